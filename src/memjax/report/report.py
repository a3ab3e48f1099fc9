"""`memjax.report`: one page on any sweep, with its settings, its runs, its curves and its final values."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from memjax.checks.file_names import absolute

__all__ = ["REPORT_FILE", "report"]

REPORT_FILE = "report.html"
"""Name of the page in its folder."""


def report(dataset: xr.Dataset, folder: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write a page on a sweep: settings, what became of the runs, curves, final values, provenance, and the code.

    The page needs no network and no other file. Curves are means over seeds with their 95% intervals, as the functions of
    `memjax.plots` draw them. Where a sweep has more axes or values than a figure can show, the page says what is not drawn.

    Parameters
    ----------
    dataset
        Result of `memjax.sweep`, `memjax.open` or `memjax.measure`, or a selection of its runs and steps.
    folder
        Folder in which ``report.html`` is written; made if there is none. A page that memjax wrote before is replaced.
    title
        Heading of the page, such as the question that the sweep is to answer; by default the swept axes.

    Returns
    -------
    pathlib.Path
        The page, to be opened in a browser.

    Raises
    ------
    InputError
        If the dataset is not of a sweep, the folder cannot be written to, or it holds a ``report.html`` of other origin.

    Examples
    --------
    >>> import tempfile
    >>> import memjax as mj
    >>> ds = mj.sweep(mj.Experiment(steps=4, record_every=2, train_size=8), over={"seed": [0, 1]})
    >>> path = mj.report(ds, tempfile.mkdtemp(), title="Does the loss fall?")
    >>> path.name, "Does the loss fall?" in path.read_text()
    ('report.html', True)
    """
    from memjax.pages.html import page
    from memjax.pages.write import write_page
    from memjax.report.contents import contents

    target = absolute("folder", folder) / REPORT_FILE
    described, pictures = contents(dataset, title)
    write_page(target, page(described, pictures))
    return target
