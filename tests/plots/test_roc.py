"""The curve of an attack: rates and intervals as analysis gives them, and chance as the diagonal."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from memjax import analysis, plots

FPR = [0.0, 0.01, 0.1, 1.0]


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    trained = xr.DataArray(rng.random((20, 60)) < 0.5, dims=("seed", "example"))
    noise = xr.DataArray(rng.normal(size=(20, 60)), dims=("seed", "example"))
    banks = [analysis.roc(size * trained + noise, trained, fpr=FPR, resamples=100) for size in (0.0, 3.0)]
    return xr.concat(banks, "attack").assign_coords(attack=["weak", "strong"])


def draw(found, **options):
    return plots.roc(found, ax=Figure(layout="constrained").subplots(), **options)


def test_curves_bands_and_chance(found):
    ax = draw(found, by="attack")
    for place, name in enumerate(["weak", "strong"]):
        line, band, one = ax.lines[place], ax.collections[place], found.sel(attack=name)
        assert line.get_label() == name and line.get_xdata().tolist() == FPR[1:]
        rates = one.tpr.values[1:]
        np.testing.assert_array_equal(line.get_ydata(), np.where(rates > 0, rates, np.nan))
        edges = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
        for bound in ("lower", "upper"):
            assert set(zip(FPR[1:], one.tpr_interval.sel(bound=bound).values[1:].tolist(), strict=True)) <= edges
    chance = ax.lines[2]
    assert chance.get_label() == "chance" and (chance.get_xdata() == chance.get_ydata()).all()
    assert ax.get_xscale() == ax.get_yscale() == "log" and ax.get_xlim() == ax.get_ylim() == (0.01, 1.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("false positive rate", "true positive rate")


def test_linear_axes_have_the_rate_without_false_alarms(found):
    ax = draw(found.sel(attack="strong"), log=False)
    assert ax.lines[0].get_xdata()[0] == 0.0 and ax.lines[0].get_ydata()[0] > 0.0
    assert ax.get_xscale() == "linear" and ax.get_xlim() == (0.0, 1.0)
    assert not draw(found.sel(attack="strong")[["tpr"]]).collections


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rates", [[0.0, 1.0], [1.0], [0.0, 0.1], [0.01]])
def test_one_rate_above_0_is_a_point_on_axes_with_two_ends(found, rates):
    one = found.sel(attack="strong", fpr=rates)
    ax = draw(one)
    ax.figure.canvas.draw()
    low = 0.1 if rates[-1] == 1.0 else rates[-1]
    assert ax.get_xlim() == ax.get_ylim() == (low, 1.0)
    assert ax.lines[0].get_xydata().tolist() == [[rates[-1], float(one.tpr[-1])]] and ax.lines[0].get_marker() == "o"
    ((bottom, top),) = [segment[:, 1].tolist() for segment in ax.collections[0].get_segments()]
    assert [bottom, top] == one.tpr_interval[-1].values.tolist()
    assert ax.lines[1].get_xydata().tolist() == [[low, low], [1.0, 1.0]]


def test_all_alarms_find_all_members_and_none_finds_those_above_every_other_row(found):
    assert (found.tpr.sel(fpr=1.0) == 1.0).all()
    rng = np.random.default_rng(1)
    trained = xr.DataArray(rng.random((20, 60)) < 0.5, dims=("seed", "example"))
    scores = 3 * trained + xr.DataArray(rng.normal(size=(20, 60)), dims=("seed", "example"))
    highest = scores.where(~trained).max()
    zero = analysis.roc(scores, trained, fpr=[0.0], resamples=100)
    assert float(zero.tpr[0]) == pytest.approx(float((scores.where(trained) > highest).sum() / trained.sum()))
    assert zero.tpr_interval[0, 0] <= zero.tpr[0] <= zero.tpr_interval[0, 1]
    for outside in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="must lie from 0 to 1"):
            analysis.roc(scores, trained, fpr=[outside])


def test_errors(found):
    with pytest.raises(ValueError, match="found has no variable tpr"):
        draw(found[["auc"]])
    with pytest.raises(ValueError, match=r"Choose one entry of \['attack'\]"):
        draw(found)
    with pytest.raises(ValueError, match="by = 'bank' is not a dimension"):
        draw(found, by="bank")
    with pytest.raises(ValueError, match="no false positive rate above 0"):
        draw(found.isel(fpr=[0]), by="attack")
