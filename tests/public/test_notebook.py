"""The notebook runs from top to bottom, at a small size."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "l2_memorization.ipynb"
SMALL = "train_sizes = [50, 100, 200]\nseeds = range(2)\nsteps = 20"


@pytest.mark.slow
def test_the_notebook_runs(monkeypatch):
    # The kernel draws into the page; the backend that the other tests use would leave it empty.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    parameters = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == 1
    parameters[0].source = SMALL
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    images = [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert len(images) == 4
