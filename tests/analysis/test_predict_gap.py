"""Regression of the gap: exact laws, a loop over folds, features that know nothing, labels, what is left out."""

import numpy as np
import pytest
import xarray as xr

from memjax.analysis import predict_gap

RNG = np.random.default_rng(0)
SIZE = xr.DataArray(
    RNG.uniform(0.1, 9.0, (4, 10, 3)),
    dims=("width", "seed", "layer"),
    coords={"width": [8, 16, 32, 64], "seed": range(10)},
)
GAP = 0.3 - 0.1 * np.log(SIZE).sum("layer")
NOISY = GAP + 0.1 * xr.DataArray(RNG.normal(size=(4, 10)), dims=("width", "seed"))


def least_squares(x, y, at):
    one = np.ones((len(x), 1))
    return np.hstack([np.ones((len(at), 1)), at]) @ np.linalg.lstsq(np.hstack([one, x]), y, rcond=None)[0]


def test_a_gap_without_noise_is_predicted_wholly():
    found = predict_gap(SIZE, GAP)
    for name in ("r_squared", "adjusted_r_squared", "cross_validated_r_squared"):
        assert float(found[name]) == pytest.approx(1, abs=1e-12)
    xr.testing.assert_allclose(found.predicted, GAP)
    assert (int(found["count"]), int(found.num_features), str(found.reason.values)) == (40, 3, "")


def test_scores_are_those_of_a_loop():
    found = predict_gap(SIZE, NOISY, folds=5, rng_seed=3)
    x, y = np.log(SIZE.values.reshape(40, 3)), NOISY.values.ravel()
    total = ((y - y.mean()) ** 2).sum()
    plain = 1 - ((y - least_squares(x, y, x)) ** 2).sum() / total
    assert float(found.r_squared) == pytest.approx(plain, rel=1e-12)
    assert float(found.adjusted_r_squared) == pytest.approx(1 - (1 - plain) * 39 / 36, rel=1e-12)
    fold, made = np.random.default_rng(3).permutation(np.arange(40) % 5), np.empty(40)
    for one in range(5):
        made[fold == one] = least_squares(x[fold != one], y[fold != one], x[fold == one])
    np.testing.assert_allclose(found.predicted.values.ravel(), made, rtol=1e-12)
    assert float(found.cross_validated_r_squared) == pytest.approx(1 - ((y - made) ** 2).sum() / total, rel=1e-12)


def test_features_that_know_nothing_have_an_adjusted_score_of_zero_on_average():
    rng = np.random.default_rng(1)
    draws = xr.DataArray(rng.normal(size=(100, 30, 6)), dims=("draw", "run", "feature"))
    gaps = xr.DataArray(rng.normal(size=(100, 30)), dims=("draw", "run"))
    found = [predict_gap(x, y, scale="linear") for x, y in zip(draws, gaps, strict=True)]
    adjusted, crossed = (np.array([float(one[name]) for one in found]) for name in NAMES)
    # R^2 has the law Beta(k / 2, (n - k - 1) / 2); the adjusted one is R^2 (n - 1) / (n - k - 1) but for a constant.
    spread = np.sqrt(6 * 23 / (29**2 * 31 / 2)) * 29 / 23
    assert abs(adjusted.mean()) < 3 * spread / 10
    assert adjusted.std() == pytest.approx(spread, rel=0.15)
    assert crossed.mean() < -0.2, "measured: -0.39"


NAMES = ("adjusted_r_squared", "cross_validated_r_squared")


def test_entries_pair_by_label_and_a_dataset_is_its_variables():
    found = predict_gap(SIZE, NOISY)
    turned = SIZE.isel(width=slice(None, None, -1), seed=RNG.permutation(10)).transpose("layer", "seed", "width")
    xr.testing.assert_allclose(predict_gap(turned, NOISY), found)
    parts = {f"size_{i}": SIZE.isel(layer=i) for i in range(3)}
    xr.testing.assert_allclose(predict_gap(xr.Dataset(parts), NOISY), found)
    of_width = np.log(SIZE.width.astype(float))
    assert int(predict_gap([SIZE, of_width], NOISY).num_features) == 4


def test_networks_without_a_number_are_left_out():
    broken, gap = SIZE.copy(), NOISY.copy()
    broken[0, 0, 1], broken[1, 2, 0], gap[3, 3] = -1.0, np.inf, np.nan
    found = predict_gap(broken, gap)
    assert int(found["count"]) == 37 and np.isnan(found.predicted.values[[0, 1, 3], [0, 2, 3]]).all()
    assert int(np.isnan(found.predicted).sum()) == 3
    flat = {"run": ("width", "seed")}
    kept = np.isfinite(found.predicted).stack(flat).values
    few = predict_gap(
        SIZE.stack(flat).drop_vars(["run", "width", "seed"])[:, kept],
        gap.stack(flat).drop_vars(["run", "width", "seed"])[kept],
    )
    assert float(few.r_squared) == pytest.approx(float(found.r_squared), rel=1e-12)


@pytest.mark.parametrize(
    ("gap", "folds", "words"),
    [
        (NOISY[:1, :4], 2, "4 networks are too few for 3 features and 2 folds"),
        (NOISY[:1], 12, "10 networks are too few"),
        (0 * NOISY + 0.25, 10, "the gap is the same"),
    ],
)
def test_without_an_answer_there_is_a_reason(gap, folds, words):
    found = predict_gap(SIZE, gap, folds=folds)
    assert words in str(found.reason.values)
    assert np.isnan([float(found[name]) for name in ("r_squared", *NAMES)]).all() and np.isnan(found.predicted).all()


@pytest.mark.parametrize(
    ("features", "options", "words"),
    [
        ([], {}, "features is empty"),
        (SIZE, {"folds": 1}, "folds = 1 must be"),
        (SIZE, {"scale": "rank"}, "scale = 'rank' is not known"),
        (SIZE.isel(width=0, seed=0), {}, "of which the gap has none"),
        (SIZE.assign_coords(width=[1, 2, 3, 4]), {}, "share no label"),
    ],
)
def test_mistakes_are_refused(features, options, words):
    with pytest.raises(ValueError, match=words):
        predict_gap(features, GAP, **options)
