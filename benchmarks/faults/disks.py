"""Faults of disks and memory: full, read-only, damaged, too small."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import memjax as mj
from benchmarks.faults.bench import ROOT, Bench, Outcome, kept, last_line, wait_for_part


@contextlib.contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[bool]:
    """A file system of its own of some bytes; False where this machine does not let us mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def full_disk(bench: Bench) -> Outcome:
    """A file system that fills up while the sweep writes; then room is made, and it goes on."""
    disk = bench.folder / "full"
    with _small_disk(disk, "3m") as mounted:
        if not mounted:
            return quota(bench)
        store, filler = disk / "store", disk / "filler"
        process = bench.start(store)
        wait_for_part(store, "done")
        with contextlib.suppress(OSError):
            filler.write_bytes(b"0" * 3_000_000)
        _, said = process.communicate(timeout=600)
        before = kept(store)
        filler.unlink(missing_ok=True)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        after = kept(store)
        bench.finish(store)
        return Outcome("disk full", 1, last_line(said), 0 < before == after and bench.identical(store))


def quota(bench: Bench) -> Outcome:
    """No file above some bytes may be written, as under a quota; then that is lifted, and the sweep goes on."""
    store = bench.folder / "quota"
    code, said = bench.finish(store, "--file-bytes", "60000")
    if code == 0:
        raise RuntimeError("The quota was never reached.")
    bench.finish(store)
    return Outcome("quota reached", 1, said, bench.identical(store))


def read_only(bench: Bench) -> Outcome:
    """A folder that cannot be written to: refused before anything is trained; reading it goes on."""
    folder = bench.folder / "read-only"
    with _small_disk(folder, "64m") as mounted:
        store = folder / "store"
        process = bench.start(store)
        wait_for_part(store, "done")
        process.kill()
        process.communicate()
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        else:
            store.chmod(0o500)
        _, said = bench.finish(store)
        readable = bool((mj.open(store).status == "finished").any())
        if mounted:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        else:
            store.chmod(0o700)
        bench.finish(store)
        return Outcome("read-only folder", 1, said, readable and bench.identical(store))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncated(bench: Bench) -> Outcome:
    """The last hundred bytes of a part are cut off."""
    return _damage(bench, "truncated part", _truncate)


def altered(bench: Bench) -> Outcome:
    """One bit in the middle of a part is flipped."""
    return _damage(bench, "one bit of a part flipped", _flip)


def _damage(bench: Bench, fault: str, harm: Callable[[Path], None]) -> Outcome:
    store = bench.folder / fault.replace(" ", "-")
    bench.finish(store)
    victim = sorted(store.glob("parts/*.npz"))[3]
    harm(victim)
    code, said = bench.finish(store)
    try:
        mj.open(store)
        raise RuntimeError("The damaged part was read.")
    except mj.InputError as problem:
        named = victim.name in str(problem) and victim.name in said and code != 0
    bench.finish(store, "--repair")
    aside = [path.name for path in store.glob("damaged/*")] == [victim.name]
    return Outcome(fault, 1, said, named and aside and bench.identical(store))


_OOM = """
import logging, resource, sys
logging.basicConfig(level=logging.WARNING, format="%(message)s")
import memjax as mj

spec = mj.Experiment(steps=4, record_every=2, train_size=4000, test_size=10, model=mj.models.MLP(hidden=(400, 400)))
def sweep(seeds, runs, store=None):
    packing = mj.Packing(schedule="batched", lanes=1, runs=runs)
    return mj.sweep(spec, {"seed": range(seeds)}, progress=False, packing=packing, store=store)
sweep(2, 1)
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 500 * 10**6, resource.RLIM_INFINITY))
sweep(16, 16, sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
whole = sweep(16, 16)
apart = mj.open(sys.argv[1])
assert (apart.status == "finished").all()
worst = abs(apart.train_loss / whole.train_loss - 1).max().item()
assert worst < 1e-5, worst
print(f"largest relative difference of the train loss {worst:.1g}")
"""


_UNNAMED_SHORTAGES = ("bad_alloc", "YNNPACK operation failed")


def out_of_memory(bench: Bench) -> Outcome:
    """Memory of the process is limited below what its blocks need: they are trained in parts."""
    store = bench.folder / "memory"
    line = [sys.executable, "-c", _OOM, str(store)]
    # Every further arena of malloc takes 64 MB of addresses, and a busy machine makes more of them: one run did not fit then.
    one = os.environ | {"MALLOC_ARENA_MAX": "1"}
    errors = ""
    # Where memory is short inside of XLA's own libraries, they end the process or fail without saying why. Such a process is
    # begun anew, as a user would: its store goes on.
    for _ in range(4):
        done = subprocess.run(line, cwd=ROOT, env=one, capture_output=True, text=True, timeout=600, check=False)
        errors += done.stderr
        if done.returncode == 0 or not any(word in done.stderr for word in _UNNAMED_SHORTAGES):
            break
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    noted = len(list(store.glob("manifest-*.json"))) > 1
    said = next((line for line in errors.splitlines() if "out of memory" in line), "nothing")
    shutil.rmtree(store)
    return Outcome("out of memory", errors.count("ran out"), f"{said} ({done.stdout.strip()})", noted)
