"""The study identity-crisis on downsampling: networks that are known by hand, the claims, and the sweep over strides."""

import jax
import numpy as np
import pytest
import xarray as xr

import memjax as mj
from memjax.measures.on_snapshots.input_jacobian import jacobians
from memjax.models import MLP, ConvNet
from memjax.studies.identity_crisis import OneImage, claims, downsampling, tables
from memjax.studies.identity_crisis.layers import by_layers
from memjax.studies.identity_crisis.study import STUDY

RNG = np.random.default_rng(0)


def of_images(model, params, count):
    task = OneImage()
    spec = mj.Experiment(task=task, model=model, loss="mse", train_size=count, test_size=20)
    return mj.Snapshot({}, 0, spec, params, *task.draw(1, count, 20))


def test_the_nearest_correlation_is_the_largest_of_numpy():
    rows, train = RNG.normal(size=(6, 30)), RNG.normal(size=(4, 30))
    wanted = np.corrcoef(rows, train)[:6, 6:].max(1)
    np.testing.assert_allclose(downsampling.nearest_correlation(rows, train), wanted, atol=1e-12)


def test_a_path_ends_at_a_train_image_within_a_share_of_its_norm():
    train = np.array([[10.0, 0.0], [0.0, 1.0]])
    ends = [[10.0, 2.9], [10.0, 3.1], [0.0, 1.29], [0.0, 1.31], [np.nan, 0.0], [np.inf, 1.0]]
    assert downsampling.ended(ends, train) == pytest.approx(2 / 6)
    assert downsampling.ended(ends, train[:1]) == pytest.approx(1 / 6)


@pytest.mark.parametrize("count", [1, 3])
def test_the_identity_draws_no_path_and_a_constant_draws_all(count):
    identity = of_images(MLP(hidden=(), bias=False), {"layer_0": {"kernel": np.eye(144, dtype=np.float32)}}, count)
    found = downsampling.of_network(identity)
    train, unseen = (one.x.reshape(-1, 144) for one in (identity.train, identity.test))
    own = np.corrcoef(unseen, train)[:20, 20:].max(1).mean()
    assert found["identity"] == pytest.approx(1) and found["ended"] == 0
    assert found["constant"] == pytest.approx(own) and found["likeness"] == pytest.approx(own)
    last = train[-1]
    always = of_images(MLP(hidden=()), {"layer_0": {"kernel": np.zeros((144, 144), np.float32), "bias": last}}, count)
    found = downsampling.of_network(always)
    assert found["constant"] == pytest.approx(1) and found["ended"] == 1
    assert found["identity"] == pytest.approx(np.corrcoef(unseen, last[None])[:20, 20].mean())
    assert found["likeness"] == pytest.approx(own)


NOISE = xr.DataArray([-1e-3, 0.0, 1e-3, 5e-4], {"seed": range(4)}, ("seed",))


def _found(rather, radius, ended):
    """Numbers by stride, the same with either number of digits and of layers."""
    axes = {"layers": [2, 3], "train_size": [1, 5]}
    make = lambda values: (xr.DataArray(values, {"stride": [1, 2]}, ("stride",)) * (1 + NOISE)).expand_dims(axes)  # noqa: E731
    parts = {"constant": make(rather) + 0.1, "identity": make([0.1, 0.1]), "radius": make(radius), "ended": make(ended)}
    return xr.Dataset({**parts, "loss": make([1e-4, 1e-3])})


def test_claims_on_strides_are_differences_without_a_verdict():
    """Train losses are not equal, so a difference may be one of losses."""
    made = claims.stride_claims(_found([-0.4, 0.2], [1.4, 0.6], [0.1, 0.7]))
    assert [claim.verdict.value for claim in made] == ["not asked"] * 12
    assert [round(claim.estimate.value, 2) for claim in made] == [*[0.6] * 4, *[-0.8] * 4, *[0.6] * 4]
    assert [claim.published.split("; ")[1].split()[0] for claim in made] == [
        *["above"] * 4,
        *["below"] * 4,
        *["above"] * 4,
    ]
    heads = [claim.what.partition(", stride 2 less stride 1")[0] for claim in made[:4]]
    assert heads == ["one digit, 2 layers", "one digit, 3 layers", "5 digits, 2 layers", "5 digits, 3 layers"]


def test_claims_are_of_their_own_numbers_of_digits_and_of_layers():
    found = _found([0.0, 0.0], [1.0, 1.0], [0.0, 0.0])
    step = xr.DataArray([[0.0, 0.2], [0.0, 0.6]], {"layers": [2, 3], "stride": [1, 2]}, ("layers", "stride"))
    found["ended"] = found["ended"] + step * xr.DataArray([1.0, 0.5], {"train_size": [1, 5]}, ("train_size",))
    assert [claim.estimate.value for claim in claims.stride_claims(found)[8:]] == pytest.approx([0.2, 0.6, 0.1, 0.3])


def test_the_table_has_a_row_for_every_network():
    made = tables.strides(_found([-0.4, 0.2], [1.4, 0.6], [0.1, 0.7]))
    assert len(made.rows) == 8 and made.rows[0][:2] == ("one digit", "2 layers, stride 1")
    assert made.rows[7][:2] == ("5 digits", "3 layers, stride 2") and made.rows[7][5].startswith("0.6")


def test_networks_with_and_without_a_stride_have_as_many_parameters_and_biases():
    part = STUDY.sweeps("quick", 2)["strides"]
    assert set(part.over) == {"stride", "channels", "train_size", "seed"} and part.over["stride"] == (1, 2)
    for maps in part.over["channels"]:
        one, two = (
            jax.eval_shape(
                ConvNet(channels=maps, kernel=part.experiment.model.kernel, head="image", stride=stride).init,
                jax.random.key(0),
                np.zeros((1, 12, 12), np.float32),
            )
            for stride in (1, 2)
        )
        assert jax.tree.map(np.shape, one) == jax.tree.map(np.shape, two)
    assert part.experiment.model.bias


@pytest.mark.slow
def test_numbers_of_a_sweep_are_those_of_its_networks():
    spec = mj.Experiment(task=OneImage(), model=ConvNet((2,), kernel=5, head="image"), loss="mse", train_size=1, test_size=4,
                         optimizer=mj.optimizers.sgd(0.1), steps=5, record_at=(5,), snapshots=(0, 5))  # fmt: skip
    over = {"stride": [1, 2], "channels": [(2,), (2, 2)], "train_size": [1, 2], "seed": [0, 1]}
    ds = mj.sweep(spec, over=over, progress=False)
    found = by_layers(downsampling.of_strides(ds))
    place = {"stride": 2, "layers": 3, "train_size": 2, "seed": 1}
    last = list(mj.snapshots(ds.sel(stride=[2], train_size=[2], seed=[1]).isel(channels=[1])))[-1]
    wanted = downsampling.of_network(last)
    assert {name: float(found[name].sel(place)) for name in wanted} == pytest.approx(wanted)
    eigenvalues = [np.abs(np.linalg.eigvals(one)).max() for one in jacobians(last, last.train.x)]
    assert float(found["radius"].sel(place)) == pytest.approx(np.median(eigenvalues), rel=1e-5)
    assert found["radius"].notnull().all() and found["constant"].notnull().all()
