"""No plot cuts its labels: every text lies inside the figure, and names along an axis do not touch, however long they are."""

import itertools

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.text import Text

from memjax import analysis, plots

LONG = "steps until the accuracy on the train set is at least 99 per cent for the first time"
SIZE = [50, 100, 200, 400, 800, 1600]
NAMES = [f"an activation with a very long name, number {i}" for i in range(4)]


def values(by="width", labels=(8, 16, 32, 64), dims=("train_size", "seed")):
    shape = {"train_size": 6, "seed": 4, "step": 5}
    data = np.random.default_rng(0).random((len(labels), *(shape[dim] for dim in dims))) * 12345.0
    coords = {
        by: (by, list(labels), {"long_name": f"{LONG} of {by}"}),
        "train_size": ("train_size", SIZE, {"long_name": f"{LONG} of size"}),
        "step": ("step", [0, 10, 20, 30, 40], {"long_name": f"{LONG} of step"}),
    }
    kept = {name: given for name, given in coords.items() if name in (by, *dims)}
    return xr.DataArray(data, kept, (by, *dims), attrs={"long_name": LONG, "units": "a long unit"})


def never(array):
    return array.where(array < 9000.0, np.inf)


def of_attacks():
    rates = np.geomspace(1e-3, 1.0, 9)
    coords = {"attack": ("attack", NAMES, {"long_name": LONG}), "fpr": rates}
    return xr.Dataset({"tpr": (("attack", "fpr"), np.stack([rates**p for p in (0.2, 0.4, 0.6, 0.8)]))}, coords)


ONE = values().isel(width=0, drop=True)
CATEGORIES = values("activation", NAMES)
RUN = xr.Dataset(
    {"train_loss": values(dims=("seed", "step")).isel(width=0), "weight_l2": ONE[0].expand_dims(step=[0, 5])}
)
DRAWN = {
    "curve": lambda: plots.curve(ONE),
    "curve of three runs": lambda: plots.curve(ONE.isel(seed=slice(3))),
    "curve with never": lambda: plots.curve(never(ONE)),
    "curves": lambda: plots.curves(values()),
    "curves of categories": lambda: plots.curves(CATEGORIES, by="activation"),
    "curves of many": lambda: plots.curves(values(labels=range(8, 30, 2))),
    "trajectories": lambda: plots.trajectories(values("train_size", SIZE, ("seed", "step")), by="train_size"),
    "trajectories of categories": lambda: plots.trajectories(
        values("activation", NAMES, ("seed", "step")), by="activation"
    ),
    "fit": lambda: plots.fit(analysis.fit(ONE, "power law", resamples=100)),
    "map": lambda: plots.phase_diagram(values(), "train_size", "width", contour=5000.0),
    "map with never": lambda: plots.phase_diagram(never(values()), "train_size", "width", contour=[3000.0, 5000.0]),
    "map of categories": lambda: plots.phase_diagram(CATEGORIES, "activation", "train_size"),
    "map of categories upwards": lambda: plots.phase_diagram(CATEGORIES, "train_size", "activation"),
    "bars": lambda: plots.bars(CATEGORIES, "train_size", by="activation"),
    "bars of categories": lambda: plots.bars(CATEGORIES.isel(train_size=0), "activation"),
    "bars that lie": lambda: plots.bars(CATEGORIES, "activation", by="train_size", horizontal=True),
    "roc": lambda: plots.roc(of_attacks(), by="attack"),
    "base run": lambda: plots.base_run(RUN),
    "multiples": lambda: plots.small_multiples(
        lambda panel, ax: plots.curve(panel, ax=ax), CATEGORIES, by="activation"
    ),
    "pictures": lambda: plots.pictures(np.eye(5).reshape(1, 5, 5).repeat(9, 0), above=["ship"] * 9, below=[0.123] * 9),
}


def boxes(texts, figure):
    renderer = figure.canvas.get_renderer()
    return {text: text.get_window_extent(renderer) for text in texts}


def shown_ticks(axis):
    """Labels of the ticks inside an axis, in order."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.label1 for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]


def overlap(first, second, renderer):
    """Whether two labels touch; turned labels are compared along the axis, where lines need their height."""
    if first.get_rotation():
        (x0, _), (x1, _) = (text.get_transform().transform(text.get_position()) for text in (first, second))
        return abs(x1 - x0) * np.sin(np.pi / 4) < 0.9 * first.get_fontsize() * first.figure.dpi / 72
    return first.get_window_extent(renderer).overlaps(second.get_window_extent(renderer))


@pytest.mark.parametrize("name", DRAWN)
def test_every_label_lies_inside_the_figure_and_none_lies_on_another(name):
    DRAWN[name]()
    figure = plt.gcf()
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    hidden = {text for ax in figure.axes if not ax.get_visible() for text in ax.findobj(Text)}
    ticks = {text for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for text in axis.findobj(Text)}
    kept = {text for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for text in [axis.label, *shown_ticks(axis)]}
    inside = [text for text in texts if text not in hidden and (text not in ticks or text in kept)]
    for text, box in boxes(inside, figure).items():
        assert box.x0 >= -1 and box.y0 >= -1, text
        assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, text
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            for first, second in itertools.pairwise(shown_ticks(axis)):
                assert not overlap(first, second, figure.canvas.get_renderer()), (first, second)
            legend = ax.get_legend()
            assert not (legend and legend.get_window_extent().overlaps(axis.label.get_window_extent()))
        # A panel that labels have squeezed out shows nothing.
        assert not ax.get_visible() or min(ax.get_window_extent().size) > 6.0
    for ax in (ax for ax in figure.axes if ax.get_label() != "<colorbar>" and ax.get_visible()):
        assert min(ax.get_window_extent().size) * 72 / figure.dpi > 40.0, name


def test_a_number_without_a_unit_has_none():
    for units in ("1", ""):
        ax = plots.curve(ONE.assign_attrs(units=units))
        assert ax.get_ylabel().replace("\n", " ") == LONG
    assert "(a long unit)" in plots.curve(ONE).get_ylabel().replace("\n", " ")
