"""The command line: ``memjax study``, ``studies``, ``run`` and ``show``. Each command is one call of the library."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import os
import signal
import sys
import threading
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memjax.checks.file_names import absolute, shown
from memjax.checks.json_text import read_json
from memjax.errors import InputError

if TYPE_CHECKING:
    from memjax.studies import Findings

__all__ = ["main"]


# Exit code that a shell reports for a program that SIGPIPE ended.
_BROKEN_PIPE = 128 + 13


def _add_common(parser: argparse.ArgumentParser, **default: Any) -> None:
    parser.add_argument("--version", action="store_true", help="print the version and exit", **default)
    parser.add_argument("--no-cache", action="store_true", help="do not keep compiled programs on disk", **default)
    parser.add_argument(
        "--cache", metavar="DIR", help="folder for compiled programs (default: the user's cache folder)", **default
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="memjax", description="Vectorised sweeps of small networks in JAX.")
    _add_common(parser)
    verbs = parser.add_subparsers(dest="verb")
    study = verbs.add_parser("study", help="run a published experiment: data, figures, published numbers beside ours")
    study.add_argument("name")
    study.add_argument(
        "--scale", help="one of the study's scales, as memjax studies lists them; the first, quick, by default"
    )
    study.add_argument("--seeds", type=int, metavar="K", help="number of seeds")
    study.add_argument("--out", metavar="DIR", help="folder to make (default: runs/NAME-SCALE)")
    study.add_argument("--again", metavar="DIR", help="make a folder's tables and figures again, without training")
    verbs.add_parser("studies", help="list the studies and their scales")
    run = verbs.add_parser("run", help="run the sweep of a TOML or JSON file")
    run.add_argument("spec", metavar="SPEC")
    run.add_argument("--out", metavar="DIR", help="folder to make, with dataset.nc")
    run.add_argument("--shard", metavar="I/N", help="train the I-th of N shares, from 0, of a store that N share")
    run.add_argument("--repair", action="store_true", help="put damaged parts of the store aside and train them again")
    run.add_argument("--keep-state", action="store_true", help="keep the final states, from which more steps go on")
    run.add_argument("--dry-run", action="store_true", help="print the plan and its cost, and train nothing")
    show = verbs.add_parser("show", help="say what a dataset holds, or how far a store is")
    show.add_argument("folder", metavar="DIR")
    for verb in (study, run):
        verb.add_argument(
            "--store", metavar="DIR", help="folder that keeps what is done; the same command goes on from it"
        )
        verb.add_argument(
            "--progress", action=argparse.BooleanOptionalAction, default=True,
            help="show the runs done and the time left on stderr: a bar in a terminal, a line a minute in a log",
        )  # fmt: skip
    for verb in verbs.choices.values():
        # A default here would overwrite an option that stands before the command.
        _add_common(verb, default=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Words after ``memjax``; None takes them from the process.

    Returns
    -------
    int
        Exit code: 0; 2 for an invalid request (one sentence on stderr); 130 after an interrupt; 141 if the reader of the
        output closes the pipe, as ``head`` does.

    Examples
    --------
    >>> main(["studies"])
    data-dimensionality  Which points does a network give a direction of their own?
    ...
    toy-double-descent   Toy double descent: superposition of data points, then of features
    ...
    0
    """
    try:
        try:
            return _main(arguments)
        except SystemExit:  # After the help text, which may still be in the buffer.
            if sys.stdout is not None:
                sys.stdout.flush()
            raise
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                _discard_buffer(stream)
        return _BROKEN_PIPE


def _discard_buffer(stream: Any) -> None:
    """Discard the buffer of a stream whose reader is gone: flushing it at exit would fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _main(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        with _terminated_as_interrupted():
            return _dispatch(parser, options)
    except InputError as problem:
        print(f"memjax: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(f"memjax: {stopped or 'Stopped. A file is written whole or not at all.'}", file=sys.stderr)
        return 130


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM, which schedulers send before they kill, like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _print(text: object) -> None:
    """Print a line and flush it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as problem:
        _discard_buffer(sys.stdout)
        raise InputError(f"The output cannot be written ({problem.strerror}).") from None


def _dispatch(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.version:
        from importlib.metadata import version

        _print(version("memjax"))
        return 0
    verb = {"study": _study, "studies": _studies, "run": _run, "show": _show}.get(options.verb)
    if verb is None:
        _print(parser.format_help().rstrip())
        return 2
    return verb(options)


def _start_cache(options: argparse.Namespace) -> None:
    from memjax.jax_settings import enable_compile_cache

    if not options.no_cache:
        enable_compile_cache(options.cache)


def _study(options: argparse.Namespace) -> int:
    from memjax import studies

    study = studies.find(options.name)
    _start_cache(options)
    if options.again is not None:
        _refuse_beside_again(options)
        return _show_findings(*studies.again(options.again, study=study))
    scale = options.scale or next(iter(study.scales))
    out = Path("runs") / f"{study.name}-{scale}" if options.out is None else options.out
    if scale in study.scales:
        _print(f"{study.title} Scale {scale}: {study.scales[scale]}.")
    given = {"seeds": options.seeds, "store": options.store, "progress": options.progress}
    return _show_findings(*studies.run(study, out, scale=scale, **given))


def _refuse_beside_again(options: argparse.Namespace) -> None:
    given = [name for name in ("scale", "seeds", "out", "store") if getattr(options, name) is not None]
    if given:
        raise InputError(f"--again trains nothing and reads what the folder has: leave --{given[0]} out.")


def _show_findings(folder: Path, findings: Findings) -> int:
    from memjax.studies.kit.findings_text import findings_text

    _print(findings_text(findings))
    _print(f"\nWrote {shown(folder)}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0


def _studies(options: argparse.Namespace) -> int:
    from memjax.studies.kit.find import overview

    del options
    _print(overview())
    return 0


def _run(options: argparse.Namespace) -> int:
    from memjax.experiment.read import read_experiment, read_over
    from memjax.explain import explain
    from memjax.studies.kit.folder import new_folder, save_folder
    from memjax.sweep import sweep

    if options.out is None and options.store is None and not options.dry_run:
        raise InputError(
            "run has no folder to write to: give --out DIR, --store DIR, or --dry-run to see the plan only."
        )
    shard = _shard(options.shard)
    if shard and options.out is not None:
        raise InputError(
            "--out writes a whole dataset, and a shard makes a part: give --store only, and open the store."
        )
    spec = _read(absolute("SPEC", options.spec), options.spec)
    unknown = sorted(set(spec) - {"experiment", "over"})
    if unknown:
        raise InputError(f"{options.spec} has the tables {unknown}, which are not known: use experiment and over.")
    experiment, over = read_experiment(spec.get("experiment", {})), read_over(spec.get("over", {}))
    if options.dry_run:
        _print(explain(experiment, over, progress=options.progress))
        return 0
    target = None if options.out is None else new_folder(options.out)
    _start_cache(options)
    store = None if options.store is None else absolute("--store", options.store)
    kept: dict[str, Any] = {"store": store, "repair": options.repair, "keep_state": options.keep_state}
    dataset = sweep(experiment, over, **kept, shard=shard, progress=options.progress)
    if store:
        _print(_progress(store))
    if target:
        save_folder(target, {"dataset": dataset})
        _print(f"Wrote {shown(target)}: dataset.nc")
    return 0


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    number, _, shards = text.partition("/")
    if not number.isdecimal() or not shards.isdecimal():
        raise InputError(f"--shard is {text!r}: give I/N, counted from 0, such as 0/4.")
    return int(number), int(shards)


def _progress(store: Path) -> str:
    from memjax.store.read import progress

    return progress(store)


def _read(path: Path, name: str) -> dict[str, Any]:
    if path.suffix not in (".toml", ".json"):
        raise InputError(f"The spec {name!r} has an unknown ending: give a .toml or .json file.")
    text = _text(path, name)
    try:
        data = tomllib.loads(text) if path.suffix == ".toml" else read_json(text)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"The spec {name!r} is not valid {path.suffix[1:].upper()}: {problem}.") from None
    if not isinstance(data, dict):
        raise InputError(f"The spec {name!r} must be a table with experiment and over.")
    return data


def _text(path: Path, name: str) -> str:
    try:
        # Some editors on Windows begin a file with a byte order mark.
        return path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise InputError(f"The spec {name!r} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError as problem:
        found = "in UTF-16" if problem.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "no text in UTF-8"
        raise InputError(f"The spec {name!r} is {found}: save it as UTF-8.") from None


def _show(options: argparse.Namespace) -> int:
    from memjax.results.summary import summary
    from memjax.store.folder import is_store
    from memjax.store.open import open_dataset

    folder = absolute("DIR", options.folder)
    _print(_progress(folder) if is_store(folder) else summary(open_dataset(folder)))
    return 0
