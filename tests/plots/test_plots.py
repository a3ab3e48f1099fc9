from io import BytesIO

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from memjax import plots
from memjax.analysis import fit, mean_interval

SIZE = 50 * 2 ** np.arange(6)
STEP = np.arange(0, 101, 10)


@pytest.fixture
def gap():
    noise = np.random.default_rng(0).standard_normal((SIZE.size, 4))
    return xr.DataArray(
        (6.5 * SIZE**0.27 - 9.636)[:, None] + 0.3 * noise,
        dims=("train_size", "seed"),
        coords={"train_size": ("train_size", SIZE, {"long_name": "train size", "units": "examples"})},
        attrs={"long_name": "gap of L2 norm", "units": "1"},
    )


@pytest.fixture
def series():
    rate = 1.0 / SIZE[:, None, None] * np.array([0.9, 1.1])[:, None]
    return xr.DataArray(
        3.0 * np.exp(-rate * STEP * 5.0),
        dims=("train_size", "seed", "step"),
        coords={"train_size": SIZE, "step": STEP},
        attrs={"long_name": "train loss", "units": "nats"},
    )


def _axes():
    return Figure(layout="constrained").subplots()


def test_curve_draws_mean_band_and_seeds(gap):
    ax = plots.curve(gap, x="train_size", ax=_axes())
    summary = mean_interval(gap)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), summary["mean"])
    band = ax.collections[0].get_paths()[0].vertices
    for bound in ("lower", "upper"):
        edge = zip(SIZE.astype(float), summary.mean_interval.sel(bound=bound).values, strict=True)
        assert set(edge) <= set(map(tuple, band.tolist()))
    np.testing.assert_array_equal(np.sort(ax.lines[1].get_ydata()), np.sort(gap.values.ravel()))
    assert dict(zip(ax.lines[1].get_ydata(), ax.lines[1].get_xdata(), strict=True))[gap.values[3, 2]] == SIZE[3]


def test_curve_labels_and_scale(gap):
    ax = plots.curve(gap, ax=_axes())
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("train size (examples)", "gap of L2 norm", "log")
    assert ax.get_legend().get_texts()[0].get_text() == "mean of 4 seeds, 95% interval"
    assert plots.curve(gap[:3], ax=_axes()).get_xscale() == "linear"
    assert plots.curve(gap.assign_coords(train_size=SIZE - 50), ax=_axes()).get_xscale() == "linear"


def test_curve_of_one_seed_or_none_has_no_band(gap):
    for values in (gap.isel(seed=0), gap.isel(seed=[0])):
        ax = plots.curve(values, ax=_axes())
        assert not ax.collections
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), gap.values[:, 0])


def test_curve_survives_diverged_runs(gap):
    gap[2] = np.nan
    gap[4, 1:] = np.nan
    ax = plots.curve(gap, ax=_axes())
    ax.figure.savefig(BytesIO(), format="png")
    assert np.isnan(ax.lines[0].get_ydata()[2]) and ax.lines[0].get_ydata()[4] == gap[4, 0]


def test_curve_sorts_positions_and_refuses_further_dimensions(gap):
    ax = plots.curve(gap[::-1], ax=_axes())
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), SIZE)
    with pytest.raises(ValueError, match=r"Choose one entry of \['width'\]"):
        plots.curve(gap.expand_dims("width"), ax=_axes())


def test_fit_draws_the_fitted_range_and_its_parameters(gap):
    ax = plots.fit(fit(gap, "offset power law"), ax=_axes())
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(x[[0, -1]], SIZE[[0, -1]])
    np.testing.assert_allclose(y[[0, -1]], gap.mean("seed")[[0, -1]], atol=0.5)
    text = ax.get_legend().get_texts()[0].get_text()
    assert "exponent 0.2" in text and "offset -" in text and "[" in text
    assert "offset" not in plots.fit(fit(gap + 10.0, "power law"), ax=_axes()).get_legend().get_texts()[0].get_text()


def test_failed_fit_says_why(gap):
    ax = plots.fit(fit(gap[:2], "power law"), ax=_axes())
    assert np.isnan(ax.lines[0].get_ydata()).all()
    assert "2 positions with finite values" in ax.get_legend().get_texts()[0].get_text()


def test_several_fits_are_refused(gap):
    with pytest.raises(ValueError, match=r"several fits, along \['width'\]"):
        plots.fit(fit(gap.expand_dims("width"), "power law"), ax=_axes())


def test_trajectories_colour_by_rank_with_a_key(series):
    ax = plots.trajectories(series[::-1], ax=_axes())
    np.testing.assert_allclose([line.get_ydata()[-1] for line in ax.lines], series.mean("seed")[:, -1])
    brightness = [np.dot(matplotlib.colors.to_rgb(line.get_color()), [0.3, 0.6, 0.1]) for line in ax.lines]
    assert np.all(np.diff(brightness) > 0.0)
    bar = ax.figure.axes[1]
    assert [text.get_text() for text in bar.get_yticklabels()] == [f"{size}" for size in SIZE]
    assert (ax.get_ylabel(), ax.get_yscale()) == ("train loss (nats)", "log")
    assert bar.get_ylabel() == "train size\n2 runs (thin) and their mean"


def test_shares_and_few_runs_that_reach_zero_have_a_linear_axis(series):
    assert (
        plots.trajectories(series.assign_attrs(long_name="train accuracy", units="1") / 3.0, ax=_axes()).get_yscale()
        == "linear"
    )
    lost = series.copy()
    lost[0, 0, 3] = 0.0
    assert plots.trajectories(lost, ax=_axes()).get_yscale() == "linear"
    # Of four runs the mean is drawn, and the mean is above zero.
    four = xr.concat([lost, series], "seed").assign_coords(seed=range(4))
    assert plots.trajectories(four, ax=_axes()).get_yscale() == "log"


def test_long_keys_are_thinned(series):
    many = xr.concat([series] * 8, "train_size").assign_coords(train_size=np.arange(48))
    bar = plots.trajectories(many, ax=_axes()).figure.axes[1]
    keys = {text.get_position()[1]: text.get_text() for text in bar.get_yticklabels()}
    assert keys == {value: f"{value}" for value in range(0, 48, 4)}


def test_categories_get_a_legend(series):
    named = series.assign_coords(train_size=list("fedcba"))
    ax = plots.trajectories(named, ax=_axes())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list("fedcba")
    assert len({line.get_color() for line in ax.lines}) == 6
    with pytest.raises(ValueError, match="12 categories, but only 7 colours"):
        plots.trajectories(xr.concat([named, named], "train_size", join="outer"), ax=_axes())


def test_base_run_panels(series):
    one = series.isel(train_size=0)
    ds = xr.Dataset({"train_loss": one, "test_loss": one + 1.0, "test_accuracy": 1.0 - one / 3.0, "weight_l2": one})
    loss, accuracy, norm = plots.base_run(ds)
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "test"]
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), (one + 1.0).mean("seed"))
    assert loss.get_yscale() == "log" and loss.get_ylabel() == "nats"
    assert len(accuracy.lines) == 1 and len(norm.lines) == 1 and norm.get_legend() is None
    missing = plots.base_run(ds[["weight_l2"]])
    assert missing[0].texts[0].get_text() == "not recorded"


def test_base_run_errors(series):
    with pytest.raises(ValueError, match="at least one of"):
        plots.base_run(xr.Dataset({"margin": series}))
    with pytest.raises(ValueError, match="exactly 3 are needed"):
        plots.base_run(xr.Dataset({"weight_l2": series.isel(train_size=0)}), axes=[_axes()])
    with pytest.raises(ValueError, match=r"Choose one entry of \['train_size'\]"):
        plots.base_run(xr.Dataset({"weight_l2": series}))


def test_settings_and_figures_of_the_user_are_left_alone(gap, series):
    before = dict(matplotlib.rcParams)
    ax = _axes()
    assert plots.curve(gap, ax=ax) is ax
    assert plots.fit(fit(gap, "power law"), ax=ax) is ax
    assert plots.trajectories(series, ax=ax) is ax
    assert dict(matplotlib.rcParams) == before
    assert not plt.get_fignums()
    plots.curve(gap)
    assert len(plt.get_fignums()) == 1
