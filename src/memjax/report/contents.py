"""What the report of a sweep contains, in its order, and the pictures of its figures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

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
from memjax.report.finals import draw_finals, finals_table
from memjax.report.layout import Layout, layout_of
from memjax.report.runs import runs_blocks
from memjax.results.settings import listed_labels, settings_section

__all__ = ["contents"]


def contents(dataset: xr.Dataset, title: str | None) -> tuple[Report, dict[str, bytes]]:
    """What the page contains, and the PNG file of every figure by its name; raises `InputError` for what is no sweep."""
    layout = layout_of(dataset)
    drawings = {"curves": [*draw_curves(layout)], "finals": [*draw_finals(layout)]}
    pictures = {one.name: _png(one) for part in drawings.values() for one in part}
    return _contents(dataset, layout, drawings, title), pictures


def _png(drawing: Drawing) -> bytes:
    """A figure as a file; the figure is closed, so that a notebook does not show the figure below its cell."""
    from matplotlib import pyplot

    buffer = io.BytesIO()
    drawing.figure.savefig(buffer, format="png", dpi=PICTURE_DPI)
    pyplot.close(drawing.figure)
    return buffer.getvalue()


def _contents(dataset: xr.Dataset, layout: Layout, drawings: dict[str, list[Drawing]], title: str | None) -> Report:
    """What the page contains, in its order."""
    table = finals_table(layout)
    left_out = (Text(layout.left_out),) if layout.left_out else ()
    dims = [axis for axis in json.loads(dataset.attrs["axes"]) if axis in dataset.dims]
    sections = (
        Section("Setting", (_setting(dataset),)),
        Section("What became of the runs", runs_blocks(dataset, [axis for axis in dims if axis in layout.axes])),
        Section("Curves", _pictures(drawings["curves"])),
        Section("Final values", (*_pictures(drawings["finals"]), *((table,) if table else ()))),
        Section("What is not shown", left_out),
        settings_section(dataset),
        Section("Make it again", _again(dataset, layout)),
    )
    swept = listing(label_of(dataset[axis]) for axis in dims).replace(" or ", " and ") if dims else ""
    heading = title or (f"A sweep over {swept}" if swept else "One run")
    return Report(heading, Text((_subject(dataset, swept),)), tuple(section for section in sections if section.blocks))


def _subject(dataset: xr.Dataset, swept: str) -> str:
    """A sentence on what was trained."""
    fields = json.loads(dataset.attrs["experiment"])
    runs = int(dataset["status"].size) if "status" in dataset.coords else 0
    count = "One run" if runs == 1 else f"{runs} runs" if runs else "Runs"
    over = f", swept over {swept}" if swept else ""
    return f"{count} of {source(fields['model'])} on {source(fields['task'])}{over}.".replace("mj.", "")


def _setting(dataset: xr.Dataset) -> Facts:
    """The axes with their values, and the fields that were chosen."""
    axes = [(axis, listed_labels(labels)) for axis, labels in json.loads(dataset.attrs["axes"]).items()]
    swept = {name for names in json.loads(dataset.attrs["over"]) for name in names.split(",")}
    changed = changed_fields(json.loads(dataset.attrs["experiment"]))
    chosen = [(name, source(value)) for name, value in changed.items() if name not in swept]
    return Facts((*((f"{axis} (swept)", text) for axis, text in axes), *chosen))


def _pictures(drawings: Iterable[Drawing]) -> tuple[Block, ...]:
    return tuple(Picture(one.name, alt_text(one.figure), one.caption) for one in drawings)


def _again(dataset: xr.Dataset, layout: Layout) -> tuple[Block, ...]:
    measured = ("The numbers of this page were measured on snapshots of the sweep; call memjax.measure as before.",)
    return (sweep_code(dataset), *((Text(measured),) if layout.time == "snapshot" else ()))
