"""Every public name has a page in the reference of the site, under its package, and every page says what the name is."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import memjax

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def reference():
    """The module that writes the pages, from the folder of the site."""
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(DOCS / "site"))
    yield importlib.import_module("reference")
    sys.path.remove(str(DOCS / "site"))


@pytest.fixture(scope="module")
def pages(reference):
    return dict(reference.pages())


def rooms():
    """What a user can import from, found by looking at modules and not at the list of the site."""
    inner = {
        name: value for name, value in vars(memjax).items() if name in memjax.__all__ and hasattr(value, "__path__")
    }
    further = ("memjax.schedules", "memjax.types", "memjax.studies", "memjax.studies.kit")
    return [memjax, *inner.values(), *(importlib.import_module(name) for name in further)]


def test_every_public_name_has_a_page_with_its_signature_or_its_value(pages):
    missing = []
    for room in rooms():
        for name in room.__all__:
            path = f"{room.__name__}.{name}"
            page = pages.get(f"{path}-class") or pages.get(path, "")
            entry = rf"\.\. (py:module|autofunction|autoclass|py:data|py:function):: ({re.escape(path)}|{name})[(\n]"
            if not re.search(entry, page):
                missing.append(path)
    assert not missing and len(pages) > 250


def test_every_name_of_a_package_stands_on_its_page_with_a_sentence(pages, reference):
    for room in rooms():
        rows = dict(re.findall(r"\* - :py:obj:`\w+ <([\w.]+)>`\n +- (.*)", pages[room.__name__]))
        names = {f"{room.__name__}.{name}" for name in room.__all__ if not hasattr(getattr(room, name), "__all__")}
        assert set(rows) == names
        without = [path for path, sentence in rows.items() if not re.search(r"[.`)]$", sentence)]
        assert not without, f"{without}: give each a docstring whose first sentence says what the name is for."


def test_no_two_pages_differ_in_case_alone(pages):
    assert len({page.lower() for page in pages}) == len(pages)


def test_an_object_of_two_packages_is_described_once(pages):
    assert "The same as :py:obj:`memjax.schedules.cosine`." in pages["memjax.optimizers.cosine"]
    assert "autoclass:: memjax.schedules.cosine" in pages["memjax.schedules.cosine"]
    assert "autoclass:: memjax.Experiment\n" in pages["memjax.Experiment"]


def test_a_measure_and_a_scalar_say_what_they_are(pages):
    accuracy = pages["memjax.measures.accuracy"]
    assert "Share of examples classified right" in accuracy and "``train_accuracy`` and ``test_accuracy``" in accuracy
    assert "Largest record; NaN if any is." in pages["memjax.analysis.maximum"]
    assert ".. py:function:: maximum(series: xr.DataArray, dim: str = 'step')" in pages["memjax.analysis.maximum"]
    assert "autoclass" not in pages["memjax.types.Array"] and "An array of JAX" in pages["memjax.types.Array"]


# Public names without an example of their own, and why they need none.
WITHOUT_EXAMPLE = {
    **dict.fromkeys(
        ("Apply", "Array", "LossFn", "Params", "Trainer", "Own", "Column", "Columns"), "a type in signatures"
    ),
}


def test_every_public_name_has_an_example_or_names_the_guide_that_shows_one(reference):
    missing = []
    for name in reference.public():
        text = reference._doc(reference.home(name))
        guides = [DOCS.parent / page for page in re.findall(r"``(docs/adding/\w+\.md)``", text)]
        shown = ">>>" in text or any(guide.exists() for guide in guides)
        if shown == (name.name in WITHOUT_EXAMPLE):
            missing.append(name.path)
    assert not missing, f"{missing}: give each an Examples section, which the tests run; or take an exception back."


def fields(page):
    return dict(re.findall(r"^   :([A-Z][\w ]+): (.*)$", page, flags=re.MULTILINE))


def test_the_page_of_a_measure_says_what_a_sweep_records(pages):
    assert fields(pages["memjax.measures.memorized_bits"]) == {
        "In an experiment": '``mj.Experiment(measures=("memorized_bits",))``',
        "On other splits": '``mj.measures.memorized_bits.on("held_out")``',
        "In the Dataset": "``memorized_bits``",
        "Value": "one number at each record: the sum over the examples of the split",
        "Units": "bits",
        "Targets": "class labels alone",
    }
    assert fields(pages["memjax.measures.layer_l2"])["Value"] == "an array at each record, along ``parameter``"
    assert "live" not in pages["memjax.measures.sharpness"]


def test_every_variable_on_the_pages_of_the_measures_is_in_a_dataset(pages):
    names = [name for name in memjax.measures.BUILT_IN if name != "sign_accuracy"]
    spec = memjax.Experiment(steps=2, record_every=2, train_size=8, measures=tuple(names))
    ds = memjax.sweep(spec, over={"seed": [0]})
    for name in names:
        told = fields(pages[f"memjax.measures.{name}"])
        variables = re.findall(r"``(\w+)``", told["In the Dataset"])
        assert variables and {ds[variable].attrs["units"] for variable in variables} == {
            told["Units"].replace("a pure number", "1")
        }
        assert [f"{split}_{name}" in ds for split in ("train", "test")] == [
            f"{s}_{name}" in variables for s in ("train", "test")
        ]


def test_a_guide_that_a_docstring_names_is_a_link(pages):
    assert ".. seealso:: :doc:`/adding/task`\n" in pages["memjax.types.PoolTask"]


def test_a_protocol_has_no_signature(reference):
    readable = importlib.import_module("links").readable
    given = ("class", "path", memjax.types.Task, None, "(*args, **kwargs)", None)
    assert readable(None, *given) == ("", None)
    assert readable(None, "class", "path", memjax.tasks.MNIST1D, None, "(noise=0.0)", None) == ("(noise=0.0)", None)


def test_what_the_skeletons_import_has_a_page(pages, reference):
    assert "memjax.models.padding.wider" in pages and "memjax.random.generator" in pages
    assert not {"memjax.errors.InputError", "memjax.measures.measure.Measure"} & set(pages)


def test_pages_of_names_that_are_gone_are_removed(reference, tmp_path, monkeypatch):
    (tmp_path / "memjax.gone.rst").write_text("gone")
    monkeypatch.setattr(reference, "pages", lambda: iter([("memjax.kept", "text")]))
    reference.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["memjax.kept.rst"]
