"""Bars of which some runs, or all, are infinite: what the legend counts, and the words above a bar or in its place."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from memjax import plots


@pytest.fixture
def steps():
    """Five seeds of three optimizers: two runs of the first and all of the second never got there."""
    values = np.arange(100.0, 115.0).reshape(5, 3)
    values[:2, 0] = np.inf
    values[:, 1] = np.inf
    coords = {"seed": range(5), "optimizer": ["adam", "sgd", "muon"]}
    return xr.DataArray(values, coords, ("seed", "optimizer"), attrs={"long_name": "steps to fit"})


def draw(values, *names, **options):
    ax = plots.bars(values, "optimizer", *names, ax=Figure(layout="constrained").subplots(), **options)
    ax.figure.canvas.draw()
    return ax


def title(ax):
    return ax.get_legend().get_title().get_text()


def words(ax):
    return {tuple(float(at) for at in text.xy): text.get_text().replace("\n", " ") for text in ax.texts}


def test_the_legend_counts_the_finite_runs_of_every_bar(steps):
    assert title(draw(steps)) == "mean of 3 to 5 seeds, 95% interval"
    assert title(draw(steps.isel(seed=slice(3)))) == "1 to 3 runs (points) and their mean"
    assert title(draw(steps.sel(optimizer=["sgd"]))) == "no finite run of 5 seeds"
    # NaN is no run that never got there, and is neither counted nor marked.
    lost = steps.where(np.isfinite(steps))
    assert title(draw(lost)) == "mean of 3 to 5 seeds, 95% interval" and not draw(lost).texts


@pytest.mark.parametrize("horizontal", [False, True])
def test_words_stand_beyond_the_interval_or_in_the_place_of_a_bar(steps, horizontal):
    ax = draw(steps, horizontal=horizontal)
    # 106, 109 and 112 have a standard error of sqrt(3), and t(2) = 4.3027.
    above, alone = pytest.approx(109.0 + 4.3027 * 3.0**0.5, abs=1e-3), 0.0
    at = list(words(ax))
    assert [place[::-1] if horizontal else place for place in at] == [(0.0, above), (1.0, alone)]
    assert list(words(ax).values()) == ["never in 2 of 5", "never in 5 of 5"]
    box = ax.get_window_extent()
    for text in ax.texts:
        part = text.get_window_extent()
        assert box.x0 <= part.x0 and part.x1 <= box.x1 and box.y0 <= part.y0 and part.y1 <= box.y1


def test_the_words_count_known_runs_and_stand_above_points(steps):
    steps[4, 0] = np.nan
    assert next(iter(words(draw(steps)).values())) == "never in 2 of 4"
    few = steps.isel(seed=slice(4)).isel(seed=[1, 2, 3])
    assert words(draw(few))[0.0, float(few[:, 0].where(np.isfinite(few[:, 0])).max())] == "never in 1 of 3"


def test_a_loss_is_infinite_and_bars_side_by_side_have_their_own_words(steps):
    loss = xr.concat([steps, 2.0 * steps], "width").assign_coords(width=[8, 16])
    loss = loss.assign_attrs(long_name="test mean loss", units="nats")
    loss[1, 0, 2] = np.inf
    ax = draw(loss, "width")
    said = {(round(at, 1), text) for (at, _), text in words(ax).items()}
    assert said == {
        (-0.2, "infinite in 2 of 5"), (0.2, "infinite in 2 of 5"), (0.8, "infinite in 5 of 5"),
        (1.2, "infinite in 5 of 5"), (2.2, "infinite in 1 of 5"),
    }  # fmt: skip
    assert title(ax) == "width\nmean of 3 to 5 seeds, 95% interval"


def test_categories_without_any_bar_keep_their_places(steps):
    ax = draw(steps.copy(data=np.full(steps.shape, np.inf)))
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < -0.4 and right > 2.4 and low == 0.0 and high >= 1.0
    assert list(words(ax)) == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]
