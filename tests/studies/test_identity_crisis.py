"""The study identity-crisis: its tasks and closed forms, networks that are known by hand, its claims, and a shrunk run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax import studies
from memjax.models import MLP, ConvNet
from memjax.studies.identity_crisis import OneImage, Points, attractors, claims, numbers, parts, tables
from memjax.studies.identity_crisis.layers import by_layers
from memjax.studies.identity_crisis.probes import correlation, probes, shown
from memjax.studies.identity_crisis.study import STUDY
from memjax.types import Data, Split

RNG = np.random.default_rng(0)


def test_one_image_is_of_its_class_and_tests_are_of_others():
    images, labels = parts.pictures("digits", 1, 2)
    known = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    seen = set()
    for seed in range(5):
        train, test = OneImage().draw(seed, 1, 20)
        seen.add(OneImage().draw(seed, 3, 1).train.x.tobytes())
        assert known[train.x[0].tobytes()] == 7 and 7 not in {known[one.tobytes()] for one in test.x}
        np.testing.assert_array_equal(train.y, train.x.reshape(1, 144))
    assert len(seen) == 5
    np.testing.assert_array_equal(OneImage().draw(3, 4, 50).train.x[:1], OneImage().draw(3, 1, 5).train.x)


def test_images_are_shrunk_by_means_and_framed():
    task = mj.tasks.Images("digits")
    images, labels = parts.pictures("digits", 2, 1)
    row = task.draw(0, 5, 0).train
    block = task.pool[row.x[3]][2:4, 4:6]
    assert images[3, 2, 3] == pytest.approx(block.mean()) and labels[3] == row.y[3]
    assert images.shape[1:] == (6, 6) and not images[:, [0, -1]].any() and not images[:, :, [0, -1]].any()


def test_a_data_set_with_test_images_gives_its_train_images(monkeypatch):
    """Files in the manner of MNIST, 28 pixels wide, become 14 x 14."""
    pool = RNG.random((30, 28, 28), np.float32)

    class Files:
        def __init__(self, dataset):
            assert dataset == "mnist"

        num_examples, pool = 20, None

        def draw(self, seed, train_size, test_size):
            order = np.arange(20)[::-1]
            return Split(Data(order[:train_size], order[:train_size] % 10), Data(order[:0], order[:0]))

    Files.pool = pool
    monkeypatch.setattr(parts, "Images", Files)
    parts.pictures.cache_clear()
    task = OneImage("mnist", shrink=2, border=0)
    train, test = task.draw(0, 1, 12)
    parts.pictures.cache_clear()
    assert task.num_outputs == 196 and train.x.shape == (1, 14, 14) and len(test.x) == 12
    small = pool.reshape(30, 14, 2, 14, 2).mean((2, 4))
    assert min(abs(small[i] - train.x[0]).max() for i in (7, 17)) < 1e-6


def test_points_are_uniform_and_nested():
    train, test = Points(3).draw(1, 4000, 5)
    # 5 standard errors of a mean of 12,000 uniform numbers; measured 2.1.
    assert abs(train.x.mean()) < 5 / np.sqrt(3 * 12000) and abs(train.x).max() <= 1
    np.testing.assert_array_equal(Points(3).draw(1, 10, 5).train.x, train.x[:10])
    assert not np.isin(test.x, train.x).any() and (Points(3).draw(2, 10, 5).train.x != train.x[:10]).all()


def test_correlations_are_those_of_numpy():
    first, second = RNG.normal(size=(2, 6, 30))
    wanted = [np.corrcoef(one, other)[0, 1] for one, other in zip(first, second, strict=True)]
    np.testing.assert_allclose(correlation(first, second), wanted, atol=1e-12)
    # A mean of equal numbers such as 0.1 is off by rounding, which is no contrast.
    assert np.isnan(correlation(np.full((1, 7), 0.1), first[:1, :7])).all()


def test_probes_have_the_shapes_of_the_images_and_say_what_they_are():
    unseen = RNG.random((7, 12, 12), np.float32)
    groups = probes(unseen)
    assert {name: len(x) for name, x in groups.items()} == {
        "unseen digits": 7, "mixtures": 3, "noise": 10, "stripes": 4, "single pixels": 5, "flat": 1,
    }  # fmt: skip
    assert all(x.shape[1:] == (12, 12) and x.dtype == np.float32 for x in groups.values())
    np.testing.assert_allclose(groups["mixtures"][1], (unseen[2] + unseen[3]) / 2)
    assert groups["single pixels"].sum((1, 2)).tolist() == [1] * 5 and groups["single pixels"][0, 6, 6] == 1
    assert len({x.tobytes() for x in groups["stripes"]}) == 4 and (groups["stripes"].mean((1, 2)) == 0.5).all()
    assert list(shown(unseen[:1], unseen)) == [
        "train image",
        "digit",
        "digit ",
        "mixture",
        "noise",
        "stripes",
        "pixel",
        "flat",
    ]
    clothes = probes(unseen, "digits", 1, 2)["images of another set"]
    np.testing.assert_array_equal(clothes, parts.pictures("digits", 1, 2)[0][:20])


def of_image(model, params, seed=0):
    task = OneImage()
    spec = mj.Experiment(task=task, model=model, loss="mse", train_size=1, test_size=20)
    return mj.Snapshot({}, 0, spec, params, *task.draw(seed, 1, 20))


def test_the_identity_and_a_constant_are_told_apart():
    linear, bias = MLP(hidden=(), bias=False), MLP(hidden=())
    identity = of_image(linear, {"layer_0": {"kernel": np.eye(144, dtype=np.float32)}})
    found = numbers.Responses().of_network(identity)
    assert float(found["identity"].drop_sel(group="flat").min()) == pytest.approx(1)
    assert np.isnan(found["identity"].sel(group="flat")) and np.isnan(found["constant"].sel(group="flat"))
    np.testing.assert_allclose(found["constant"], found["likeness"], atol=1e-12)
    train = identity.train.x.reshape(-1)
    own = [np.corrcoef(one.ravel(), train)[0, 1] for one in identity.test.x]
    assert float(found["likeness"].sel(group="unseen digits")) == pytest.approx(np.mean(own))
    always = of_image(bias, {"layer_0": {"kernel": np.zeros((144, 144), np.float32), "bias": train}})
    found = numbers.Responses().of_network(always)
    assert found["constant"].values == pytest.approx(np.ones(6))
    assert float(found["identity"].sel(group="unseen digits")) == pytest.approx(np.mean(own))


def test_patches_times_a_kernel_are_a_convolution():
    image, kernel = RNG.random((6, 5)), RNG.normal(size=(3, 3, 1, 1)).astype(np.float32)
    model = ConvNet(channels=(), kernel=3, head="image", bias=False)
    made = model.apply({"layer_0": {"kernel": kernel}}, image[None].astype(np.float32))
    np.testing.assert_allclose(numbers.patches(image, 3) @ kernel.ravel(), np.asarray(made)[0], rtol=0, atol=1e-6)


def _one_layer(model, steps, rate, momentum=0.0):
    spec = mj.Experiment(task=OneImage(), model=model, loss="mse", optimizer=mj.optimizers.sgd(rate, momentum=momentum),
                         train_size=1, test_size=2, steps=steps, record_at=(steps,), measures=("loss",),
                         snapshots=(0, steps))  # fmt: skip
    return mj.sweep(spec, over={"seed": [0, 1]}, progress=False)


def test_one_dense_layer_ends_at_its_closed_form():
    """W0 + (x - W0 x) x^T / |x|^2."""
    ds = _one_layer(MLP(hidden=(), bias=False, initializer="he"), 300, 0.5)
    found = list(mj.snapshots(ds))
    for first, last in zip(found[::2], found[1::2], strict=True):
        x = last.train.x.reshape(-1).astype(float)
        w0, w = (one.params["layer_0"]["kernel"].T.astype(float) for one in (first, last))
        closed = w0 + np.outer(x - w0 @ x, x) / (x @ x)
        np.testing.assert_allclose(numbers.closed_dense(w0.T, last.train.x.astype(float)).T, closed, rtol=0, atol=1e-12)
        # Measured: 3.3e-7 of weights of 0.5.
        np.testing.assert_allclose(w, closed, rtol=0, atol=3e-6)
    assert (numbers.distances(ds)["distance"] < 1e-5).all()


def test_one_convolution_follows_gradient_descent_in_its_eigenvectors():
    """After t steps theta = limit + (I - 2 rate A^T A / D)^t (theta0 - limit), and the limit is the least squares."""
    steps, rate = 50, 0.1
    found = list(mj.snapshots(_one_layer(ConvNet(channels=(), kernel=5, head="image", bias=False), steps, rate)))
    for first, last in zip(found[::2], found[1::2], strict=True):
        start, end = (one.params["layer_0"]["kernel"].astype(float) for one in (first, last))
        window = numbers.patches(last.train.x[0].astype(float), 5)
        values, vectors = np.linalg.eigh(window.T @ window * 2 * rate / 144)
        limit = numbers.closed_kernel(start, last.train.x[0].astype(float)).ravel()
        left = vectors @ ((1 - values) ** steps * (vectors.T @ (start.ravel() - limit)))
        # Measured: 4.4e-8 of weights of 0.4.
        np.testing.assert_allclose(end.ravel(), limit + left, rtol=0, atol=4e-6)


def test_the_limit_of_one_convolution_is_the_identity_where_patches_span_the_kernel():
    image = RNG.random((12, 12))
    limit = numbers.closed_kernel(RNG.normal(size=(5, 5, 1, 1)), image)
    wanted = np.zeros((5, 5))
    wanted[2, 2] = 1
    np.testing.assert_allclose(limit[:, :, 0, 0], wanted, atol=1e-10)
    # A blank image says nothing, and the kernel stays.
    start = RNG.normal(size=(5, 5, 1, 1))
    np.testing.assert_array_equal(numbers.closed_kernel(start, np.zeros((12, 12))), start)


def test_distances_are_relative_to_the_way(monkeypatch):
    ds = _one_layer(MLP(hidden=(), bias=False), 300, 0.5)
    monkeypatch.setattr(numbers, "closed_dense", lambda start, x: start + 2.0)
    found = list(mj.snapshots(ds))
    ends = [one.params["layer_0"]["kernel"] for one in found]
    wanted = [np.linalg.norm(b - a - 2) / (2 * 144) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    np.testing.assert_allclose(numbers.distances(ds)["distance"], wanted, rtol=1e-5)


def test_points_of_known_networks():
    """The linear autoencoder from the library, whose eigenvalues are known: 1 along 2 points in 3 dimensions."""
    spec = mj.Experiment(task=Points(3), model=MLP(hidden=(), bias=False), loss="mse", optimizer=mj.optimizers.sgd(0.3),
                         train_size=2, test_size=30, steps=1500, record_at=(1500,), measures=("loss",),
                         snapshots=(0, 1500))  # fmt: skip
    ds = mj.sweep(spec, over={"seed": [0, 1]}, progress=False)
    found = attractors.of_points(ds.isel(snapshot=[1]))
    np.testing.assert_allclose(found["radius"], 1.0, atol=1e-4)
    np.testing.assert_allclose(found["largest"], 1.0, atol=1e-4)
    last = list(mj.snapshots(ds))[3]
    away = np.linalg.norm(last.outputs(last.train.x) - last.train.x, axis=1)
    assert float(found["error"][1]) == pytest.approx(float(away.max()))
    assert float(found["along"][1]) == pytest.approx((away / np.linalg.norm(last.train.x, axis=1)).max())
    near = [min(np.linalg.norm(start - x) for x in last.train.x) <= attractors.WITHIN for start in last.test.x]
    assert float(found["began"][1]) == pytest.approx(np.mean(near))
    ends = mj.measures.iterate(last, last.test.x, attractors.STEPS)
    near = [min(np.linalg.norm(end - x) for x in last.train.x) <= attractors.WITHIN for end in ends]
    assert float(found["ended"][1]) == pytest.approx(np.mean(near))
    null = attractors.linear_null(ds)
    assert float(null["off"].max()) < 1e-4 and (null["ended"] == found["ended"]).all()
    assert set(null.data_vars) == {*found.data_vars, "distance", "off"} and null["off"].dims == ("seed",)
    assert null["attractors"].isnull().all()


@pytest.mark.parametrize("points", [1, 3])
def test_a_linear_autoencoder_keeps_the_eigenvalues_of_its_start_off_the_data(points):
    """From a large start the radius is that of the start off the span, and from none it is 1."""
    start, x = 3 * RNG.normal(size=(6, 6)), RNG.normal(size=(points, 6))
    # Gradient descent itself, with a rate below 2 over the largest eigenvalue.
    kernel, rate = start.copy(), 1 / np.linalg.norm(x, 2) ** 2
    for _ in range(3000):
        kernel -= rate * x.T @ (x @ kernel - x)
    radius = abs(np.linalg.eigvals(kernel)).max()
    # Measured over 12 draws: at most 6e-15 of radii from 3 to 9, and 9e-16 of outputs.
    assert numbers.closed_radius(start, x) == pytest.approx(radius, rel=1e-12) and radius > 2
    np.testing.assert_allclose(x @ kernel, x, atol=1e-12)
    assert numbers.closed_radius(np.zeros((6, 6)), x) == 1


def _linear(dims, points):
    spec = mj.Experiment(task=Points(dims), model=MLP(hidden=(), bias=False, initializer="he"), loss="mse", test_size=200,
                         train_size=points, optimizer=mj.optimizers.sgd(0.3), steps=1500, record_at=(1500,),
                         measures=("loss",), snapshots=(0, 1500))  # fmt: skip
    return attractors.linear_null(mj.sweep(spec, over={"seed": [0, 1]}, progress=False))


@pytest.mark.slow
def test_in_two_dimensions_paths_of_a_linear_autoencoder_stay_where_they_start():
    null = _linear(2, 5)
    assert (null["began"] > 0).all() and (null["ended"] == null["began"]).all()


@pytest.mark.slow
def test_the_radius_of_a_linear_autoencoder_is_that_of_its_own_start():
    null = _linear(6, 2)
    # Measured: off 3.2e-7 and along 6.5e-7, of radii of 1.09 and 1.32.
    assert float(null["off"].max()) < 1e-5 and float(null["along"].max()) < 1e-5 and float(null["largest"].max()) > 1.1


def test_the_share_of_attractors_counts_points_below_one(monkeypatch):
    made = xr.Dataset(
        {
            "jacobian_radius": (("seed", "snapshot", "example"), [[[0.5, 0.9, 1.2]], [[0.2, np.nan, 3.0]]]),
            "iterated_distance": (("seed", "snapshot", "start", "example"), np.full((2, 1, 4, 3), 0.05)),
            **{name: (("seed", "snapshot"), [[0.1], [0.2]]) for name in ("error", "along", "began")},
        }
    )
    monkeypatch.setattr(attractors, "measure", lambda runs, measures: made)
    found = attractors.of_points(None)
    assert found["attractors"].values == pytest.approx([2 / 3, 1 / 2]) and found["ended"].values.tolist() == [1, 1]
    assert found["radius"].values == pytest.approx([0.9, 1.6]) and found["largest"].values == pytest.approx([1.2, 3.0])


@pytest.mark.slow
def test_basins_of_a_sweep_are_those_of_its_networks(monkeypatch):
    monkeypatch.setattr(attractors, "STEPS", 15)
    monkeypatch.setattr(attractors, "_SIDE", 9)
    spec = mj.Experiment(task=Points(2), model=MLP(hidden=(8,)), loss="mse", train_size=2, test_size=3, steps=10,
                         record_at=(10,), snapshots=(10,))  # fmt: skip
    ds = mj.sweep(spec, over={"dims": [2, 3], "hidden": [(8,), (8, 8)], "seed": [0]}, progress=False)
    found = attractors.basins(ds)
    grid = np.stack([found["start_x"], found["start_y"]], 1)
    deep = next(mj.snapshots(ds.isel(seed=[0], hidden=[1]).sel(dims=[2])))
    np.testing.assert_array_equal(found["points"], deep.train.x)
    ends = mj.measures.iterate(deep, grid, attractors.STEPS)
    away = np.linalg.norm(ends[:, None] - deep.train.x, axis=2)
    wanted = np.where(away.min(1) <= attractors.WITHIN, away.argmin(1), -1)
    np.testing.assert_array_equal(found["example_of_start"][1], wanted)
    # The grid is laid out as pictures are drawn from below: rows of one second coordinate.
    assert grid[0].tolist() == [-1.5, -1.5] and grid[1, 0] > grid[0, 0] and grid[1, 1] == grid[0, 1]


def test_depths_and_widths_are_numbers():
    labels = {"hidden": ["16-16", "64-64"]}
    assert by_layers(xr.Dataset({"x": ("hidden", [1, 2])}, labels))["width"].values.tolist() == [16, 64]
    maps = xr.Dataset({"x": ("channels", [1, 2, 3])}, {"channels": ["none", "8-8", "8-8-8-8"]})
    assert by_layers(maps)["layers"].values.tolist() == [1, 3, 5]


NOISE = xr.DataArray([-1e-3, 0.0, 1e-3, 5e-4], {"seed": range(4)}, ("seed",))


def _responses(identity, constant, radius=1.1):
    layers = xr.DataArray([1, 6, 10], dims="layers")
    groups = xr.DataArray([0.0, 0.05, -5.0], {"group": ["unseen digits", "noise", "flat"]}, ("group",))
    made = {
        name: xr.DataArray(values, {"layers": layers}, ("layers",)) + NOISE + groups
        for name, values in (("identity", identity), ("constant", constant), ("likeness", [0.3] * 3))
    }
    # Of noise the output is a little more like the train image, so that the groups can be told apart.
    made["constant"] = made["constant"] + 0.02 * (groups == 0.05)
    radii = (xr.DataArray([0.2, radius, 1.5], {"layers": layers}, ("layers",)) + NOISE).rename("jacobian_radius")
    return xr.Dataset({**made, "jacobian_radius": radii})


def verdicts(made):
    return [claim.verdict.value for claim in made]


def estimates(made):
    return [round(claim.estimate.value, 2) for claim in made]


def test_claims_on_images_say_which_way_depth_goes():
    right = _responses([0.9, 0.5, 0.3], [0.4, 0.5, 0.8])
    dense, conv = claims.dense_claims(right), claims.conv_claims(right)
    assert verdicts(dense) == [*["as published"] * 3, "not asked", "as published"]
    assert estimates(dense) == [0.4, 0.5, 0.52, 0.1, 1.1] and dense[0].what.endswith("10 layers less 1")
    assert ": unseen digits" not in dense[2].what and dense[2].what.startswith("dense, 10 layers, noise")
    assert verdicts(conv) == ["as published"] * 4 and estimates(conv) == [0.9, 0.4, 0.5, 0.52]
    wrong = _responses([0.7, 0.5, 0.8], [0.8, 0.5, 0.3], radius=0.7)
    assert verdicts(claims.dense_claims(wrong)) == [*["differs"] * 3, "not asked", "differs"]
    assert verdicts(claims.conv_claims(wrong)) == ["differs"] * 4


def test_tables_of_images_begin_with_what_would_be_given_without_a_network():
    found = _responses([0.9, 0.5, 0.3], [0.4, 0.5, 0.8])
    loss = xr.DataArray([1e-3, 1e-2, 1e-1], {"layers": [1, 6, 10]}, ("layers",)) * (1 + NOISE)
    for kind, head in (("constant", "the identity itself"), ("identity", "the constant itself")):
        made = tables.responses({"dense": found}, {"dense": loss}, kind)
        assert len(made.rows) == 4 and made.rows[0][:2] == (head, "-") and made.rows[1][:2] == ("dense", "1 layer")
        row = dict(zip(made.columns, made.rows[0], strict=True))
        assert row["unseen digits"].startswith("0.300") and row["noise"].startswith("0.350")
        assert row["train loss" if kind == "constant" else "eigenvalue"] == "-"
        assert "-" not in made.rows[1]


def _attracted(radius, share, ended=0.4, alone=1.0):
    """Deep and shallow networks in three numbers of dimensions, one point alone, and the linear null of the plane."""
    dims, layers = {"dims": [2, 16, 64]}, {"layers": [2, 9]}
    deep = lambda values: (xr.DataArray(values, layers, ("layers",)) + NOISE).expand_dims(dims)  # noqa: E731
    depth = xr.Dataset({"radius": deep(radius), "largest": deep(radius) + 0.2, "ended": deep([0.1, ended])})
    depth["attractors"] = deep([0.1, share])
    count = xr.Dataset({"attractors": xr.DataArray([alone, 0.5], {"train_size": [1, 2]}, ("train_size",)) + 0 * NOISE})
    return depth, count, xr.Dataset({"ended": 0.1 + NOISE})


def test_claims_on_points_ask_for_contraction_at_every_point_and_for_more_paths_than_the_null():
    made = claims.attractor_claims(*_attracted([0.95, 0.6], 0.98))
    assert verdicts(made) == [*["as published", "not asked"] * 3, *["as published"] * 3]
    assert estimates(made) == [*[0.98, 0.8] * 3, -0.35, 1.0, 0.3] and [claim.main for claim in made].index(True) == 2
    wrong = claims.attractor_claims(*_attracted([0.95, 1.6], 0.6, ended=0.05, alone=0.5))
    assert verdicts(wrong) == [*["differs", "not asked"] * 3, *["differs"] * 3]


def test_the_null_of_attraction_is_paired_and_not_zero():
    """A network in which as many paths end as stay with the identity is not told apart from no attraction."""
    depth, count, plane = _attracted([0.95, 0.6], 0.98, ended=0.1)
    last = claims.attractor_claims(depth, count, plane)[-1]
    assert last.estimate.value == pytest.approx(0.0) and last.verdict.value in {"differs", "not told apart"}
    spread = xr.DataArray([0.0, 0.3, -0.05, 0.1], {"seed": range(4)}, ("seed",))
    both = claims.attractor_claims(depth.assign(ended=depth["ended"] + 0.02 + spread), count, plane + spread)
    assert both[-1].estimate.low == pytest.approx(0.02) and both[-1].verdict.value == "as published"


def test_claims_on_what_is_derived_ask_for_nothing_less():
    def near(distance, off, ended):
        parts = {"distance": distance + NOISE * 1e-3, "off": off + NOISE * 1e-3, "along": off + NOISE * 1e-3}
        return xr.Dataset({**parts, "began": 0.1 + 0 * NOISE, "ended": 0.1 + ended + 0 * NOISE})

    assert verdicts(claims.linear_claims(*[near(1e-5, 1e-5, 0.0)] * 2)) == ["as published"] * 4
    assert verdicts(claims.linear_claims(*[near(0.1, 0.1, 0.1)] * 2)) == ["differs"] * 4
    both = {"one_dense": near(1e-5, 0, 0), "one_conv": near(0.01, 0, 0)}
    assert verdicts(claims.exact_claims(both)) == ["as published"] * 2
    assert (
        verdicts(claims.exact_claims({"one_dense": near(0.01, 0, 0), "one_conv": near(0.2, 0, 0)})) == ["differs"] * 2
    )


def test_the_table_of_points_ends_with_the_linear_null():
    depth, count, plane = _attracted([0.95, 0.6], 0.98)
    wide = dict.fromkeys(("radius", "largest", "ended", "began", "error"), count["attractors"])
    null = xr.Dataset(dict.fromkeys(("radius", "largest", "ended", "began", "error"), plane["ended"]))
    null["attractors"] = null["radius"].where(False)
    parts = depth.assign(began=depth["ended"], error=depth["ended"]), count.assign(wide)
    made = tables.points(*parts, {2: null, 16: null})
    assert len(made.rows) == 3 * 2 + 2 + 2 and [row[:3] for row in made.rows[-2:]] == [
        ("2", "5", "linear"),
        ("16", "5", "linear"),
    ]
    assert [row[made.columns.index("attractors")] for row in made.rows[-2:]] == ["-", "-"] and "-" not in made.rows[0]


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["quick", "large"])
def test_every_scale_can_be_laid_out(scale):
    for part in STUDY.sweeps(scale, 2).values():
        assert mj.explain(part.experiment, part.over)
    assert set(STUDY.seeds) == set(STUDY.scales) == {"quick", "large", "mnist"}


def _shrunk(scale, seeds):
    def small(part):
        steps = 60
        snapshots = tuple(steps if step else 0 for step in part.experiment.snapshots)
        one = dataclasses.replace(
            part.experiment, steps=steps, record_at=(steps,), snapshots=snapshots, test_size=12, train_size=1
        )
        over = {name: list(values)[:: max(1, len(values) - 1)] for name, values in part.over.items() if name != "seed"}
        return dataclasses.replace(part, experiment=one, over={**over, "seed": part.over["seed"]})

    return {name: small(part) for name, part in STUDY.sweeps(scale, seeds).items()}


@pytest.mark.long
def test_a_small_run_leaves_what_the_study_promises(tmp_path, made_again):
    study = dataclasses.replace(STUDY, sweeps=_shrunk)
    folder, findings = studies.run(study, tmp_path / "out", seeds=2, progress=False)
    assert set(findings.figures) == {"depth", "pictures", "strides", "radius", "basins"}
    assert all((folder / f"{name}.png").exists() for name in findings.figures)
    # Two of the three numbers of dimensions are left, so two claims fewer.
    assert len(findings.claims) == 34 and set(findings.tables) == {"constant", "identity", "strides", "points"}
    made_again(folder, study)
