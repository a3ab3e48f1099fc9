"""What the report of a sweep contains, in its order, and the pictures of its figures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import xarray as xr

from memjax.errors import listing
from memjax.experiment.source import source
from memjax.experiment.written_out import changed_fields
from memjax.pages.alternative import alt_text
from memjax.pages.blocks import Block, Facts, Picture, Report, Section, Text
from memjax.pages.html import PICTURE_DPI
from memjax.plots.axes import label_of
from memjax.report.again import sweep_code
from memjax.report.curves import Drawing, draw_curves
from memjax.report.finals import draw_finals, finals_table, no_table_text
from memjax.report.layout import Layout, layout_of
from memjax.report.runs import runs_blocks
from memjax.report.selection import axis_facts, is_selection
from memjax.results.settings import settings_section

__all__ = ["contents"]


def contents(dataset: xr.Dataset, title: str | None) -> tuple[Report, dict[str, bytes]]:
    """What the page contains, and the PNG file of every figure by its name; raises `InputError` for what is no sweep."""
    layout = layout_of(dataset)
    files: dict[str, bytes] = {}
    with _no_figure_left():
        drawn = {"curves": _pictures(draw_curves(layout), files), "finals": _pictures(draw_finals(layout), files)}
    return _contents(dataset, layout, drawn, title), files


@contextmanager
def _no_figure_left() -> Iterator[None]:
    """Close the figures that an error left open; a notebook would show them below its cell."""
    from matplotlib import pyplot

    before = set(pyplot.get_fignums())
    try:
        yield
    finally:
        for number in set(pyplot.get_fignums()) - before:
            pyplot.close(number)


def _pictures(drawings: Iterable[Drawing], files: dict[str, bytes]) -> tuple[Block, ...]:
    """Figures as blocks of the page; each is added to the files and closed before the next one is drawn."""
    return tuple(_picture(one, files) for one in drawings)


def _picture(drawing: Drawing, files: dict[str, bytes]) -> Picture:
    from matplotlib import pyplot

    buffer = io.BytesIO()
    drawing.figure.savefig(buffer, format="png", dpi=PICTURE_DPI)
    files[drawing.name] = buffer.getvalue()
    # The words are those of the labels, which a figure has until it is closed.
    words = alt_text(drawing.figure)
    pyplot.close(drawing.figure)
    return Picture(drawing.name, words, drawing.caption)


def _contents(dataset: xr.Dataset, layout: Layout, drawn: Mapping[str, tuple[Block, ...]], title: str | None) -> Report:
    """What the page contains, in its order."""
    table, missing = finals_table(layout), no_table_text(layout)
    said = (*layout.left_out, *((missing,) if missing else ()))
    left_out = (Text(said),) if said else ()
    dims = [axis for axis in json.loads(dataset.attrs["axes"]) if axis in dataset.dims]
    sections = (
        Section("Setting", (_setting(dataset),)),
        Section("What became of the runs", runs_blocks(dataset, [axis for axis in dims if axis in layout.axes])),
        Section("Curves", drawn["curves"]),
        Section("Final values", (*drawn["finals"], *((table,) if table else ()))),
        Section("What is not shown", left_out),
        settings_section(dataset),
        Section("Make it again", _again(dataset, layout)),
    )
    several = [label_of(dataset[axis]) for axis in dims if dataset.sizes[axis] > 1]
    swept = listing(several).replace(" or ", " and ") if several else ""
    heading = title or (f"A sweep over {swept}" if swept else "One run")
    return Report(heading, Text(_subject(dataset, swept)), tuple(section for section in sections if section.blocks))


def _subject(dataset: xr.Dataset, swept: str) -> tuple[str, ...]:
    """A sentence on what was trained, and one on a dataset that has not all of the runs."""
    fields = json.loads(dataset.attrs["experiment"])
    runs = int(dataset["status"].size) if "status" in dataset.coords else 0
    count = "One run" if runs == 1 else f"{runs} runs" if runs else "Runs"
    over = f", swept over {swept}" if swept else ""
    said = f"{count} of {source(fields['model'])} on {source(fields['task'])}{over}.".replace("mj.", "")
    part = "The sweep had more runs: the setting below says which ones this page shows."
    return (said, part) if is_selection(dataset) else (said,)


def _setting(dataset: xr.Dataset) -> Facts:
    """The axes with their values, and the fields that were chosen."""
    swept = {name for names in json.loads(dataset.attrs["over"]) for name in names.split(",")}
    changed = changed_fields(json.loads(dataset.attrs["experiment"]))
    chosen = [(name, source(value)) for name, value in changed.items() if name not in swept]
    return Facts((*axis_facts(dataset), *chosen))


def _again(dataset: xr.Dataset, layout: Layout) -> tuple[Block, ...]:
    measured = ("The numbers of this page were measured on snapshots of the sweep; call memjax.measure as before.",)
    return (sweep_code(dataset), *((Text(measured),) if layout.time == "snapshot" else ()))
