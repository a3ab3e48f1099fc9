"""Every notebook runs from top to bottom, at a small size, and draws its figures; as stored, each is whole and clean."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# The parameters of a small run, and the number of figures.
SMALL = {
    "01_first_sweep": ("train_sizes, widths, seeds, steps = [20, 40], [2, 4], range(2), 20", 2),
    "02_from_pytorch": ("train_sizes, seeds = [50], range(2)", 2),
    "03_own_data": ("train_sizes, seeds, steps = [10, 20], range(2), 20", 2),
    "04_own_network": ("train_sizes, seeds, steps = [50, 100], range(2), 20", 2),
    "05_own_measure": ("seeds, steps = range(2), 40", 3),
    "06_l2_memorization": ("train_sizes, seeds, steps = [50, 100, 200], range(2), 20", 4),
    "07_grokking_phase_diagram": (
        "fractions, decays, seeds, steps = [0.5, 0.7, 0.8, 0.9], [0.0, 1.0], range(2), 150",
        3,
    ),
    "08_double_descent": ("widths, noises, seeds, steps = [6, 12, 16, 24], [0.0, 0.4], range(2), 20", 3),
    "09_memorization_scores": ("networks, train_size, test_size, steps = 24, 60, 20, 30", 5),
    "10_learning_coefficients": ("seeds, steps, draws, chains = range(2), 200, 10, 2", 2),
    "11_a_sweep_that_survives": ("train_sizes, seeds, steps = [20, 40], 2, 20", 2),
}
QUICK = ("01_first_sweep", "03_own_data")


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def outputs(notebook):
    return [out for cell in notebook.cells for out in cell.get("outputs", [])]


def figures(notebook):
    return [out for out in outputs(notebook) if "image/png" in out.get("data", {})]


def small(name):
    """The notebook with the parameters of a small run."""
    notebook = read(name)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    parameters.source = SMALL[name][0]
    return notebook


def test_every_notebook_is_run_and_is_stored_with_its_figures():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(SMALL)
    assert {name: len(figures(read(name))) for name in SMALL} == {name: count for name, (_, count) in SMALL.items()}


@pytest.mark.parametrize("name", SMALL)
def test_what_is_stored_is_clean(name):
    notebook, text = read(name), (NOTEBOOKS / f"{name}.ipynb").read_text()
    assert len(text) < 600_000
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any(set(cell.metadata) - {"tags"} for cell in notebook.cells)
    assert {out.output_type for out in outputs(notebook)} <= {"display_data", "execute_result", "stream"}
    assert all(out.get("name", "stdout") == "stdout" for out in outputs(notebook))
    shown = re.sub(r'"image/png": ".*"', "", text)
    # Folders of the machine on which the notebook was run, addresses in memory, and colours of a terminal.
    assert (
        re.findall(r"(?<![\w.:/<])/(?:home|root|tmp|work|usr|var|private|Users)/|\bat 0x[0-9a-f]|\\u001b", shown) == []
    )
    assert [count for cell in notebook.cells if (count := cell.get("execution_count"))] == list(
        range(1, 1 + sum(cell.cell_type == "code" for cell in notebook.cells))
    )


@pytest.mark.parametrize("name", SMALL)
def test_a_notebook_asks_says_what_comes_out_and_ends_with_where_to_read_on(name):
    cells = read(name).cells
    assert cells[0].source.startswith("# ") and "At the end of this page you will have" in cells[0].source
    assert cells[-1].cell_type == "markdown" and "## Where to read on" in cells[-1].source
    assert "](../docs/" in cells[-1].source
    # The one on stores stands on no paper.
    assert re.search(r"\(https://(arxiv|doi)\.org/", cells[-1].source) or name.startswith("11")


@pytest.mark.parametrize("name", SMALL)
def test_links_of_a_notebook_lead_somewhere(name):
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", "\n".join(cell.source for cell in read(name).cells)):
        path, _, heading = target.partition("#")
        assert (NOTEBOOKS / path).exists(), target
        headings = re.findall(r"^#+ (.+)$", (NOTEBOOKS / path).read_text(), re.MULTILINE)
        assert not heading or heading in {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in headings}


@pytest.mark.parametrize("name", QUICK)
def test_the_code_of_a_notebook_runs_and_draws_its_figures(name):
    try:
        everything = {"__name__": "__main__"}
        for cell in small(name).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, name, "exec"), everything)
        assert len(plt.get_fignums()) == SMALL[name][1]
    finally:
        plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_the_notebook_runs(name, monkeypatch):
    # The kernel draws into the page; the backend that the other tests use would leave it empty.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = small(name)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    assert len(figures(notebook)) == SMALL[name][1]
