"""Every notebook runs from top to bottom, at a small size, and draws its figures; as stored, each has its figures."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# The parameters of a small run, and the number of figures.
SMALL = {
    "l2_memorization": ("train_sizes = [50, 100, 200]\nseeds = range(2)\nsteps = 20", 4),
    "memorization_bank": ("networks = 24\ntrain_size, test_size = 60, 20\nsteps = 30", 5),
}


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def images(notebook):
    return [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]


def test_every_notebook_is_run_and_is_stored_with_its_figures():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(SMALL)
    assert {name: len(images(read(name))) for name in SMALL} == {name: figures for name, (_, figures) in SMALL.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_the_notebook_runs(name, monkeypatch):
    # The kernel draws into the page; the backend that the other tests use would leave it empty.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook, (small, figures) = read(name), SMALL[name]
    parameters = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == 1
    parameters[0].source = small
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    assert len(images(notebook)) == figures
