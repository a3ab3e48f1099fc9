"""Specs and stores from a stranger: thousands of them, and nothing but a Dataset or an `InputError` comes of any."""

import copy
import importlib
import inspect
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memjax as mj
from memjax.cli import main
from memjax.engine.training import train_runs
from memjax.experiment.encode import encode
from memjax.experiment.read import read_experiment, read_over
from memjax.store.files import checksum
from memjax.store.folder import Store
from memjax.store.manifest import signature
from memjax.store.manifest_reader import read_manifest
from memjax.store.npz import dump, load
from memjax.store.part import PartName, read_part
from memjax.store.read import progress

FEW = 300


def fuzz(examples, **drawn):
    """Check a few of many cases in the fast tests, and all of them in the slow ones; the same ones on every machine."""

    def decorate(check):
        def run(cases, **fixtures):
            limits = settings(max_examples=cases, deadline=None, derandomize=True, database=None)
            limits(given(**drawn)(check))(**fixtures)

        names = ["cases", *(name for name in inspect.signature(check).parameters if name not in drawn)]
        run.__signature__ = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
        )
        run.__doc__, run.__name__ = check.__doc__, check.__name__
        more = [pytest.param(examples, marks=pytest.mark.slow)] if examples > FEW else []
        return pytest.mark.parametrize("cases", [min(FEW, examples), *more])(run)

    return decorate


NAMES = [
    "type", "reference", "range", "task", "model", "optimizer", "steps", "seed", "train_size", "measures", "snapshots",
    "hidden", "activation", "learning_rate", "peak", "__class__", "self", "",
]  # fmt: skip
WORDS = [
    "tasks.RandomLabels", "models.MLP", "optimizers.adam", "optimizers.from_optax", "schedules.cosine", "relu", "mse",
    "os:system", "builtins.eval", "loss", "../../etc/passwd", "\x00", "é" * 40,
]  # fmt: skip
NUMBERS = st.one_of(
    st.integers(), st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**400]), st.floats(), st.sampled_from([1e308, -0.0])
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(WORDS), st.text(max_size=8))
ANY = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), inner, max_size=4),
    ),
    max_leaves=12,
)


def places(data, path=()):
    """Every place in plain data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def put(data, path, value):
    """A copy of plain data with another value in one place."""
    if not path:
        return value
    data = copy.deepcopy(data)
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return data


def read(action):
    """Whether an action was refused cleanly; anything but an `InputError` fails the test."""
    try:
        action()
    except mj.InputError as problem:
        assert str(problem)
        return True
    return False


VALID = [
    json.loads(mj.Experiment(snapshots=(0, 10), measures=("loss", "layer_l2")).to_json()),
    json.loads(mj.Experiment(optimizer=mj.optimizers.sgd(mj.schedules.cosine(0.1), momentum=0.9)).to_json()),
]


@fuzz(1500, data=ANY)
def test_any_data_as_a_spec(data):
    read(lambda: read_experiment(data))
    read(lambda: read_over(data))


@fuzz(3000, data=st.data())
def test_a_spec_with_anything_anywhere(data):
    valid = data.draw(st.sampled_from(VALID))
    path = data.draw(st.sampled_from(list(places(valid))))
    spec = put(valid, path, data.draw(ANY))
    read(lambda: mj.Experiment.from_json(json.dumps(spec)))


@fuzz(
    500,
    content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)),
    ending=st.sampled_from([".toml", ".json"]),
)
def test_any_bytes_as_a_spec_file(content, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"spec{ending}"
        path.write_bytes(b"[experiment]\n" + content if ending == ".toml" else content)
        assert main(["--no-cache", "run", str(path), "--dry-run"]) in (0, 2)


# A store of two manifests, seven blocks in all, one of them unfinished.
@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    from memjax.store import writer as keeper

    folder = tmp_path_factory.mktemp("kept") / "store"
    spec = mj.Experiment(
        task=mj.tasks.RandomLabels(3, 4),
        model=mj.models.MLP(hidden=(4,)),
        steps=4,
        record_every=1,
        snapshots=(2,),
        measures=("loss", "layer_l2"),
    )
    sweep = importlib.import_module("memjax.sweep").sweep

    class Stop(Exception):
        pass

    def dying(self, block, result):
        keep(self, block, result)
        if block.name == "0001-00001":
            raise Stop

    keep = keeper.StoreKeeper.keep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeper, "_SECONDS", 0.0)
        patch.setattr(keeper, "_SHARE", float("inf"))
        patch.setattr("memjax.engine.plan.packing.segment_records", lambda *a: 1)
        packing = mj.Packing(runs=1, lanes=1)
        sweep(spec, {"train_size": [4, 6], "seed": range(2)}, store=folder, packing=packing)
        patch.setattr(keeper.StoreKeeper, "keep", dying)
        with pytest.raises(Stop):
            sweep(spec, {"train_size": [4, 6], "seed": range(3)}, store=folder, packing=packing)
    found = mj.open(folder)
    assert (found.status == "running").sum() == 1 and (found.status == "finished").sum() == 5
    return folder


def signed(content):
    """Bytes of a manifest with the right checksum for its content, whatever that is."""
    body = {name: value for name, value in content.items() if name not in ("format", "schema", "checksum")}
    return json.dumps({**content, "checksum": signature(body)}).encode()


@fuzz(1500, data=st.data())
def test_a_manifest_with_anything_anywhere(kept, data):
    content = json.loads((kept / "manifest-0000.json").read_text())
    path = data.draw(st.sampled_from(list(places(content))))
    altered = put(content, path, data.draw(ANY))
    read(lambda: read_manifest(json.dumps(altered).encode(), "unsigned"))
    if isinstance(altered, dict):
        read(lambda: read_manifest(signed(altered), "signed"))


@fuzz(300, at=ANY)
def test_a_manifest_with_anything_as_uneven_records(kept, at):
    content = json.loads((kept / "manifest-0000.json").read_text())
    uneven(content, at)
    read(lambda: read_manifest(signed(content), "signed"))


@fuzz(300, data=st.data())
def test_a_store_with_anything_anywhere_in_its_last_manifest_opens_or_is_refused(kept, data):
    name = data.draw(st.sampled_from(["manifest-0000.json", "manifest-0001.json"]))
    content = json.loads((kept / name).read_text())
    path = data.draw(st.sampled_from(list(places(content))))
    altered = put(content, path, data.draw(ANY))
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        store.mkdir()
        for path in kept.glob("manifest-*.json"):
            (store / path.name).write_bytes(path.read_bytes())
        os.symlink(kept / "parts", store / "parts")
        (store / name).write_bytes(signed(altered) if isinstance(altered, dict) else json.dumps(altered).encode())
        read(lambda: mj.open(store))
        read(lambda: progress(store))


@fuzz(1000, content=st.binary(max_size=200))
def test_any_bytes_as_a_manifest(content):
    assert read(lambda: read_manifest(content, "bytes"))


def a_part(kept, kind):
    store = Store(kept)
    contents = store.contents()
    name = next(name for name in store.parts().values() if (name.step is None) == (kind == "done"))
    return contents.blocks[name.block], name, (kept / "parts" / name.file).read_bytes()


def refused(block, name, content):
    """Whether a part of some content, under a name with its checksum, is refused cleanly."""
    try:
        read_part(content, name._replace(checksum=checksum(content)), block.manifest, block.entry, block.schema)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("kind", ["done", "step"])
@fuzz(700, data=st.data())
def test_a_part_with_any_header(kept, kind, data):
    block, name, content = a_part(kept, kind)
    header, arrays = load(content)
    path = data.draw(st.sampled_from(list(places(header))))
    altered = put(header, path, data.draw(ANY))
    if isinstance(altered, dict):
        refused(block, name, dump(altered, arrays))


@fuzz(1500, data=st.data())
def test_a_part_with_any_byte_changed_is_refused_and_one_with_the_right_checksum_never_breaks(kept, data):
    block, name, content = a_part(kept, "done")
    place = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="its checksum is wrong"):
        read_part(bytes(changed), name, block.manifest, block.entry, block.schema)
    refused(block, name, bytes(changed))


def _without_a_variable(header, arrays):
    del header["records"]["test_loss"]


def _one_record_short(header, arrays):
    place = header["records"]["train_loss"]
    arrays[place] = arrays[place][:, :-1]


def _one_run_short(header, arrays):
    arrays[header["status"]] = arrays[header["status"]][:-1]


def _unknown_status(header, arrays):
    arrays[header["status"]] = arrays[header["status"]] + 9


def _parameters_of_another_size(header, arrays):
    place = header["snapshots"]["2"]
    arrays[place] = arrays[place][:, 1:]


def _of_another_block(header, arrays):
    header["block"] = "0000-00003"


def _of_another_store(header, arrays):
    header["manifest"] = "0" * 32


def _of_another_step(header, arrays):
    header["step"] -= 1


WRONG = {
    _without_a_variable: "does not hold the variables of its manifest",
    _one_record_short: r"train_loss has the shape \[1, \d\]",
    _one_run_short: "does not hold the status of 1 runs",
    _unknown_status: "holds an unknown status",
    _parameters_of_another_size: r"the parameters of step 2 have the shape \[1, \d+\]",
    _of_another_block: "belongs to another block or another store",
    _of_another_store: "belongs to another block or another store",
    _of_another_step: "it says step 3",
}


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_a_part_that_is_whole_but_wrong_is_refused(kept, change):
    block, name, content = a_part(kept, "done")
    header, arrays = load(content)
    change(header, arrays)
    content = dump(header, arrays)
    with pytest.raises(ValueError, match=WRONG[change]):
        read_part(content, name._replace(checksum=checksum(content)), block.manifest, block.entry, block.schema)


ARRAYS = st.sampled_from(
    [
        np.zeros(3),
        np.zeros((2, 5)),
        np.zeros((2, 5), "i4"),
        np.array(7),
        np.zeros((0, 4)),
        np.full((2, 3), np.nan, "f2"),
    ]
)


@fuzz(1000, data=st.data())
def test_a_part_with_any_array_in_place_of_another(kept, data):
    block, name, content = a_part(kept, data.draw(st.sampled_from(["done", "step"])))
    header, arrays = load(content)
    arrays[data.draw(st.integers(0, len(arrays) - 1))] = data.draw(ARRAYS)
    refused(block, name, dump(header, arrays))


MANIFESTS = {
    "deep nesting": b"[" * 200_000,
    "deep nesting inside": b'{"format": "memjax store", "schema": 1, "experiment": '
    + b'{"a":' * 50_000
    + b"0"
    + b"}" * 50_001,
    "a huge number": b'{"format": "memjax store", "schema": ' + b"9" * 10_000 + b"}",
    "nested in a value": b'{"format": "memjax store", "schema": 1, "axes": ' + b"[" * 500 + b"]" * 500 + b"}",
    "another format": b'{"format": "zarr"}',
    "no checksum": b'{"format": "memjax store", "schema": 1}',
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_hostile_manifest_is_refused(case):
    with pytest.raises(mj.InputError):
        read_manifest(MANIFESTS[case], case)


def uneven(content, at):
    """Put a list of steps in the place of record_every."""
    del content["sheets"][0]["record_every"]
    content["sheets"][0]["record_at"] = at


CHANGES = {
    "a run is in two blocks": lambda c: c["blocks"][0].update(cells=c["blocks"][1]["cells"]),
    "a run lies outside of the 4 cells": lambda c: c["blocks"][0].update(cells=[4]),
    "a block has no sheet": lambda c: c["blocks"][0].update(sheet=1),
    "a block holds no run": lambda c: c["blocks"][0].update(cells=[]),
    "or more than there is room for": lambda c: c["blocks"][0].update(cells=[0, 1]),
    "its schedule is 'eval'": lambda c: c["blocks"][0].update(schedule="eval"),
    "'0' is no whole number from 1": lambda c: c["blocks"][0].update(shape=[0, 1, 1, 1]),
    "an axis has repeated values": lambda c: c["axes"][0].update(values=[4, 4]),
    "an axis has labels of two kinds": lambda c: c["axes"][0]["labels"].update(train_size=[4, "x"]),
    "a label too many or too few": lambda c: c["axes"][0]["labels"].update(train_size=[4]),
    "two axes share the label": lambda c: c["axes"][0].update(labels=c["axes"][1]["labels"]),
    "its axes have 100020001 cells": lambda c: [
        axis.update(values=list(range(10001)), labels={name: list(range(10001)) for name in axis["labels"]})
        for axis in c["axes"]
    ],
    "record_every does not divide steps": lambda c: c["sheets"][0].update(record_every=3),
    "it has too many records": lambda c: c["sheets"][0].update(steps=10**12),
    "record_at does not increase from 0 to steps": lambda c: uneven(c, [0, 2, 1, 4]),
    "record_at does not increase from 0": lambda c: uneven(c, [1, 4]),
    "record_at does not increase": lambda c: uneven(c, []),
    "record_at does not": lambda c: uneven(c, [0, 1]),
    "'1.5' is no whole number from 0 to 4": lambda c: uneven(c, [0, 1.5, 4]),
    "'5' is no whole number from 0 to 4": lambda c: uneven(c, [0, 1, 5]),
    "it states its records twice": lambda c: c["sheets"][0].update(record_at=[0, 1, 4]),
    "are names of two things": lambda c: c["axes"][0].update(labels={"status": [0, 1]}),
    r"\['step'\] are names": lambda c: c["sheets"][0]["variables"].update(train_loss=[["step"], "", ""]),
    r"\['seed'\] are names": lambda c: c["sheets"][0]["variables"].update(train_loss=[["seed"], "", ""]),
    "it does not say where it was made": lambda c: c.update(made={}),
}


@pytest.mark.parametrize("problem", CHANGES)
def test_a_manifest_that_is_signed_but_wrong_is_refused(kept, problem):
    content = json.loads((kept / "manifest-0000.json").read_text())
    CHANGES[problem](content)
    with pytest.raises(mj.InputError, match=f"is damaged or was altered .*{problem}"):
        read_manifest(signed(content), "signed")
    with pytest.raises(mj.InputError, match="its checksum is wrong"):
        read_manifest(json.dumps(content).encode(), "unsigned")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"paths": ["data_seed"]}, "are of different axes: it was altered"),
        ({"values": [1, 2, 3]}, "lacks values of an axis: it was altered"),
    ],
)
def test_manifests_that_do_not_belong_together_are_refused(kept, tmp_path, change, sentence):
    store = altered_store(kept, tmp_path, lambda content: None)
    later = json.loads((kept / "manifest-0001.json").read_text())
    later["axes"][1].update(change)
    (store / "manifest-0001.json").write_bytes(signed(later))
    with pytest.raises(mj.InputError, match=sentence):
        mj.open(store)


def altered_store(kept, tmp_path, change):
    store = tmp_path / "store"
    store.mkdir()
    content = json.loads((kept / "manifest-0000.json").read_text())
    change(content)
    (store / "manifest-0000.json").write_bytes(signed(content))
    return store


def test_a_manifest_of_absurd_size_is_refused_before_memory_is_taken(kept, tmp_path):
    def grow(content):
        content["sheets"][0] |= {"steps": 10**8, "record_every": 1}
        content["axes"] = [
            {"names": [name], "paths": [name], "values": list(range(3000)), "labels": {name: list(range(3000))}}
            for name in ("seed", "train_size")
        ]

    with pytest.raises(mj.InputError, match=r"would take at least .* GB"):
        mj.open(altered_store(kept, tmp_path, grow))


@pytest.mark.parametrize(
    ("field", "value"),
    [("shape", [1, 2**30, 2**30, 1]), ("shape", [1, 1, 1, 1]), ("records", 5), ("schedule", "batched"), ("sheet", 0)],
)
def test_a_partition_that_is_not_of_the_call_is_refused_or_fits(kept, tmp_path, field, value, monkeypatch):
    """What is executed is what the manifest says, if it can hold the runs and fits into memory."""
    monkeypatch.setattr(train_runs, "execute", lambda *arguments: None)
    store = altered_store(kept, tmp_path, lambda content: content["blocks"][0].update({field: value}))
    spec = mj.Experiment.from_json(json.dumps(json.loads((kept / "manifest-0000.json").read_text())["experiment"]))
    with pytest.raises(mj.InputError) as problem:
        mj.sweep(spec, {"train_size": [4, 6], "seed": range(2)}, store=store, progress=False)
    # Nothing is trained here, so that of a partition that fits the finished parts are missed at the end.
    assert ("finished parts" not in str(problem.value)) == (field in ("shape", "records"))


def test_the_names_of_parts_lead_nowhere():
    for name in ("block-0000-00000.done.../../x.npz", "../block-0000-00000.done." + "0" * 32 + ".npz", "block-.npz"):
        assert PartName.parse(name) is None
    assert encode(PartName.parse("block-0000-00000.step-00000004." + "a" * 32 + ".npz").step) == 4
