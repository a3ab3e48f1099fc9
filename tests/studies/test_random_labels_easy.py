"""Easy examples and the sensitivity by class of random-labels: counts by hand, a linear network, claims and tables."""

import numpy as np
import pytest
import xarray as xr

from memjax.studies.random_labels import by_class, easy, further
from memjax.studies.random_labels.runs import NOISE

RNG = np.random.default_rng(0)


def epoch(networks=50, rows=60):
    """Two data sets of half of the rows each; true labels have rows that are always right, the others have none."""
    flags = RNG.random((3, 2, networks, rows)) < 0.4
    flags[0, :, :, ::2] = True
    values = flags.astype(float)
    values[:, 0, :, rows // 2 :], values[:, 1, :, : rows // 2] = np.nan, np.nan
    coords = {"task": list(NOISE), "seed": ("init_seed", np.repeat([3, 7], networks)), "example": range(rows)}
    merged = values.reshape(3, 2 * networks, 1, rows)
    dims = ("task", "init_seed", "example_step", "example")
    return xr.Dataset({"example_correct": (dims, merged)}, coords)


def test_networks_of_one_seed_share_a_data_set_and_are_counted_together():
    runs = epoch()
    found = easy.easy(runs)
    assert found["seed"].values.tolist() == [3, 7] and int(found["networks"]) == 50
    assert (found["rows"] == 30).all() and (found["always"].sel(task="true labels") == 15).all()
    first = runs["example_correct"].values[0, 50:, 0, 30:]
    assert float(found["mean_accuracy"].sel(task="true labels", seed=7)) == pytest.approx(first.mean())
    own = found["probability"].sel(task="true labels", seed=7)
    np.testing.assert_allclose(own[30:], first.mean(0))
    assert np.isnan(own[:30]).all()


def test_sorted_shares_stand_beside_the_quantiles_of_the_binomial_law():
    found = easy.easy(epoch())
    ranked = easy.ranked(found)
    assert ranked["rank"].values[[0, -1]] == pytest.approx([100 * 0.5 / 30, 100 * 29.5 / 30])
    assert (ranked["found"].diff("rank") >= 0).all() and not np.isnan(ranked["found"]).any()
    mean = found["mean_accuracy"].transpose("task", "seed")
    np.testing.assert_allclose(ranked["found"].mean("rank"), mean, rtol=1e-12)
    # A quantile of a count is at most a step of 1 / 50 from that of a smooth law.
    np.testing.assert_allclose(ranked["binomial"].mean("rank"), mean, atol=0.02)


def test_claims_and_the_table_on_easy_examples_hold_what_the_networks_say():
    found = easy.easy(epoch())
    made = easy.easy_claims(found)
    assert len(made) == 4 and {claim.published_shown for claim in made} == {"not read"}
    ratio, always = (
        next(c for c in made if c.what.startswith(w) and "random" in c.what) for w in ("variance", "share")
    )
    exact = found["variance_ratio"].sel(task="true labels") - found["variance_ratio"].sel(task="random labels")
    assert ratio.estimate.value == pytest.approx(float(exact.mean())) and ratio.estimate.value > 10
    assert always.estimate.value == pytest.approx(0.5)
    table = easy.easy_table(found)
    assert [row[0] for row in table.rows] == list(NOISE) and table.note.startswith("Of 30 train rows and 50 networks")
    assert table.rows[0][table.columns.index("rows always right")].startswith("15")


def matrices(*shares):
    """Matrices of three classes whose diagonal holds each of some shares at the end, by law; all other cells are equal."""
    base = np.stack([np.where(np.eye(3, dtype=bool), share / 3, (1 - share) / 6) for share in shares])
    values = base[:, None, None] * np.array([1.0, 2.0, 5.0])[:, None, None, None] * np.ones((3, 2, 1, 1))
    values[:, :, 0] = 1.0
    coords = {"task": list(NOISE), "seed": range(3), "snapshot": [10, 100]}
    return xr.DataArray(values, coords, ("task", "seed", "snapshot", "loss_class", "example_class"))


def test_the_share_on_the_diagonal_pairs_classes_by_place_and_the_scale_drops_out():
    matrix = matrices(0.2, 0.8, 0.5)
    labelled = matrix.assign_coords(loss_class=[5, 6, 7], example_class=[5, 6, 7])
    for one in (matrix, labelled):
        np.testing.assert_allclose(by_class.on_diagonal(one).sel(seed=2, snapshot=100), [0.2, 0.8, 0.5])
    missing = matrix.copy()
    missing[..., 1] = np.nan
    assert np.isnan(by_class.on_diagonal(missing)).all()


def test_claims_and_the_table_on_classes_hold_what_the_matrices_say():
    share, less = by_class.class_claims(matrices(0.2, 0.8, 0.5))
    assert share.estimate.value == pytest.approx(0.8) and less.estimate.value == pytest.approx(0.6)
    # The diagonal of a network that has fitted is near 0 whatever the labels are, so nothing is asked.
    assert {share.verdict.value, less.verdict.value} == {"not asked"}
    table = by_class.classes_table(matrices(0.2, 0.8, 0.5))
    assert table.columns == ("step", *NOISE) and table.rows[1][0] == "100"
    assert [cell.split()[0] for cell in table.rows[0][1:]] == ["0.333"] * 3
    assert [cell.split()[0] for cell in table.rows[1][1:]] == ["0.200", "0.800", "0.500"]


@pytest.mark.slow
def test_figures_show_classes_and_sorted_shares():
    drawn = further.classes(matrices(0.2, 0.8, 0.5))
    image = drawn.axes[1].images[0].get_array()
    assert image[0, 0] / image[0, 1] == pytest.approx(8.0) and drawn.axes[1].get_title() == "random labels"
    ranked = easy.ranked(easy.easy(epoch()))
    (ax,) = further.easy(ranked).axes
    assert ax.lines[0].get_ydata() == pytest.approx(ranked["found"].sel(task="true labels").mean("seed").values)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*NOISE, "equally hard rows"]
