"""The local learning coefficient against exact values, its verdicts, and its independence of what it is estimated with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import memjax as mj
from memjax import InputError, analysis
from memjax.measures import VERDICTS, llc

ONE_POINT = mj.tasks.from_arrays(np.zeros((3, 1), np.float32), np.zeros((3, 1), np.float32))
OK, NOT_CONVERGED, NEGATIVE, UNSTABLE = range(4)


def loss(outputs, targets):
    return outputs[:, 0]


def at_rest(model, over=None):
    """A sweep whose snapshots are what the model draws, and the objects that it names."""
    spec = mj.Experiment(
        task=ONE_POINT, model=model, loss=loss, steps=1, record_every=1, snapshots=(0,), train_size=2, test_size=1,
        optimizer=mj.optimizers.sgd(0.0),
    )  # fmt: skip
    return mj.sweep(spec, over=over), (model, model.init, model.apply, loss, ONE_POINT)


def estimate(start, potential, settings):
    """The estimate around parameters ``start`` of a network whose loss is ``potential(params)`` whatever its input."""
    model = mj.models.FunctionPair(
        lambda key, x: start, lambda params, x: jnp.broadcast_to(potential(params), (x.shape[0], 1))
    )

    ds, using = at_rest(model)
    return mj.measure(ds, [settings], using=using).squeeze()


@pytest.mark.long
def test_a_quadratic_has_the_value_of_the_discrete_chain():
    h, nbeta, gamma, eps = np.array([0.0, 0.1, 1.0, 2.0, 5.0, 20.0], np.float32), 100.0, 2.0, 8e-4
    found = estimate(
        jnp.zeros(6),
        lambda w: (h * w**2).sum() / 2,
        llc(nbeta, step_size=eps, localization=gamma, draws=3000, burn_in=1000, chains=8),
    )
    a = nbeta * h + gamma
    exact = (nbeta * h / (a * (1 - eps * a / 4))).sum() / 2
    assert abs(found.llc - exact) < 3 * found.llc_error
    assert found.llc_error < 0.03 * exact
    assert found.llc_verdict == OK
    np.testing.assert_allclose(found.llc_curvature, a[-1], rtol=1e-4)


@pytest.mark.long
def test_the_chosen_step_keeps_its_share_of_the_stable_one():
    found = estimate(jnp.zeros(2), lambda w: (w[0] ** 2 + 9 * w[1] ** 2) / 2, llc(50.0, draws=20, burn_in=0, chains=2))
    np.testing.assert_allclose(found.llc_step_size, 0.1 * 4 / (50 * 9 + 1), rtol=1e-4)


def fold(u):
    """Onto [-1, 1] by reflection, so that a chain without bounds has the uniform law between them."""
    return 1 - jnp.abs(jnp.mod(u + 1, 4) - 2)


def one_slow(first, *others):
    """The first case among the slow tests, the others among the long ones."""
    return [
        pytest.param(*first, marks=pytest.mark.slow),
        *(pytest.param(*case, marks=pytest.mark.long) for case in others),
    ]


@pytest.mark.parametrize(("a", "b", "exact"), one_slow((1, 1, 0.3559), (0, 1, 0.5), (0, 2, 0.25), (1, 2, 0.2090)))
def test_normal_crossings_have_the_value_at_their_temperature(a, b, exact):
    # The exact values are integrals over the square at n beta = 144.76, as their asymptotes 1/2, 1/2, 1/4, 1/4 are not reached.
    # Standard errors are 1% here, the bias of the step at most 3.6%.
    settings = llc(144.76, step_size=5e-4, localization=0.0, draws=40_000, burn_in=2000, chains=16)
    found = estimate(jnp.zeros(2), lambda u: (fold(u[0]) ** a * fold(u[1]) ** b) ** 2, settings)
    assert abs(found.llc / exact - 1) < 0.05 + 2 * found.llc_error / exact
    assert found.llc_verdict == OK


@pytest.mark.parametrize(("widths", "rank"), one_slow(((3, 2, 3), 1), ((3, 2, 3), 0), ((5, 3, 5), 0), ((5, 3, 5), 1)))
def test_reduced_rank_regression_has_aoyagis_value(widths, rank):
    # Population loss; 2% to 9% below the asymptotic value at this temperature.
    rng = np.random.default_rng(0)
    first, second = np.zeros(widths[:2], np.float32), np.zeros(widths[1:], np.float32)
    first[:, :rank], second[:rank] = rng.normal(size=(widths[0], rank)), rng.normal(size=(rank, widths[2]))
    first, second = first / widths[0] ** 0.5, second / widths[2] ** 0.5
    settings = llc(1e5, step_size=2e-6, localization=0.0, draws=20_000, burn_in=2000, chains=16)
    found = estimate(
        [jnp.asarray(first), jnp.asarray(second)], lambda w: ((w[0] @ w[1] - first @ second) ** 2).sum() / 2, settings
    )
    assert abs(found.llc / analysis.deep_linear_rlct(widths, rank) - 1) < 0.12


@pytest.mark.long
def test_verdicts_say_what_is_wrong():
    # One model, so that all cases share their programs; 250 steps each.
    model = mj.models.FunctionPair(
        lambda key, x: jnp.zeros(2), lambda w, x: jnp.broadcast_to((w**2).sum() / 2, (x.shape[0], 1))
    )

    starts = [mj.Start.of(np.full(2, value, np.float32), name) for name, value in (("bottom", 0.0), ("slope", 3.0))]
    ds, using = at_rest(model, {"start": starts})
    settings = dict(nbeta=10.0, localization=0.0, draws=200, burn_in=50, chains=4)
    cases = {
        OK: ("bottom", llc(**settings, step_size=0.1)),
        NOT_CONVERGED: ("bottom", llc(**settings, step_size=1e-4)),
        # Both negative and on its way: that it is no minimum is the worse of the two.
        NEGATIVE: ("slope", llc(**{**settings, "draws": 250, "burn_in": 0}, step_size=2e-3)),
        UNSTABLE: ("bottom", llc(**settings, step_size=0.5)),
    }
    for verdict, (start, estimator) in cases.items():
        found = mj.measure(ds.sel(start=[start]), [estimator], using=(*using, *starts)).squeeze()
        assert found.llc_verdict == verdict, VERDICTS[verdict]
    assert found.llc_verdict.attrs["flag_meanings"] == "ok not_converged negative unstable_step"
    assert np.isnan(found.llc_chain).any()


@pytest.fixture(scope="module")
def trained():
    spec = mj.Experiment(
        model=mj.models.MLP(hidden=(5,)), train_size=30, steps=40, snapshots=(0, 40), optimizer=mj.optimizers.adam(1e-2)
    )
    return mj.sweep(spec, over={"train_size": [20, 30], "seed": [0, 1]})


@pytest.mark.long
def test_estimates_do_not_depend_on_what_they_are_made_with(trained):
    settings = llc((None, 2.0), step_size=1e-2, draws=40, burn_in=10, chains=2, traces=True)
    among = mj.measure(trained, ["loss", settings])
    alone = mj.measure(trained.sel(train_size=[30], seed=[1], snapshot=[40]), [settings])
    np.testing.assert_allclose(
        alone.llc_trace.squeeze(), among.llc_trace.sel(alone.indexes).squeeze(), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(among.llc_nbeta[0, 0, 0], [20 / np.log(20), 2.0])
    np.testing.assert_allclose(among.llc_loss[..., 0], among.train_loss, rtol=1e-5)
    np.testing.assert_allclose(among.llc_chain, among.llc_trace.mean("draw"), rtol=1e-6)
    assert among.llc.dims == ("train_size", "seed", "snapshot", "nbeta")
    assert among.nbeta.values.tolist() == ["n / log n", "2"]


@pytest.mark.parametrize("draws", one_slow((7,), (2000,)))
def test_minibatches_sample_the_same_law(trained, draws):
    # Seven draws are no whole epochs: their batches are harder or easier than all examples, by more than the estimate.
    one = trained.sel(train_size=[30], seed=[0], snapshot=[40])
    common = dict(draws=draws, burn_in=500, chains=4, step_size=2e-3, localization=5.0)
    full, batches = (mj.measure(one, [llc(batch_size=size, **common)]).squeeze() for size in (None, 4))
    # Noise of the minibatches adds to that of the chain: a bias below 5% at this step, beside the errors.
    assert abs(full.llc - batches.llc) < 0.05 * full.llc + 3 * (full.llc_error + batches.llc_error)
    assert batches.llc_error < 0.5 * full.llc
    np.testing.assert_allclose(full.llc_loss, batches.llc_loss, rtol=1e-6)


@pytest.mark.slow
def test_draws_of_minibatches_are_compared_with_the_network_on_the_same_ones(trained):
    # A chain that cannot move is as good as its network on any batch.
    one = trained.sel(train_size=[30], seed=[0], snapshot=[40])
    still = llc(1000.0, batch_size=4, step_size=1e-12, draws=9, burn_in=2, chains=1, thin=2, traces=True)
    # Losses of batches differ by 0.1; float32 leaves 1e-4 of it.
    assert np.abs(mj.measure(one, [still]).llc_trace).max() < 1.0


@pytest.mark.slow
def test_every_network_has_noise_of_its_own():
    # On a slope the rise of a chain is its noise, wherever it starts.
    model = mj.models.FunctionPair(
        lambda key, x: jax.random.normal(key, (3,)), lambda params, x: jnp.broadcast_to(params.sum(), (x.shape[0], 1))
    )

    ds, using = at_rest(model, {"init_seed": [0, 1]})
    settings = llc(1.0, step_size=1.0, localization=0.0, draws=40, burn_in=0, chains=2, traces=True)
    found = mj.measure(ds, [settings], using=using)
    steps = found.llc_trace.diff("draw").values.reshape(4, -1)
    # Four chains of 39 steps each: 0.5 is three standard errors.
    assert np.abs(np.corrcoef(steps)[np.triu_indices(4, 1)]).max() < 0.5


@pytest.mark.long
def test_chains_are_around_the_networks_own_examples():
    class TestFirst:
        """A task whose train examples depend on how many test examples are drawn before them."""

        num_outputs = 3

        def draw(self, seed, train_size, test_size):
            rng = np.random.default_rng(seed)
            test, train = (
                mj.types.Data(rng.normal(size=(n, 2)).astype(np.float32), rng.integers(0, 3, n))
                for n in (test_size, train_size)
            )
            return mj.types.Split(train, test)

    task = TestFirst()
    spec = mj.Experiment(task=task, train_size=12, steps=20, snapshots=(20,), model=mj.models.MLP(hidden=(4,)))
    ds = mj.sweep(spec)
    found = mj.measure(ds, [llc(draws=4, burn_in=0, chains=1, step_size=1e-3)], using=(task,))
    np.testing.assert_allclose(found.llc_loss.squeeze(), ds.train_loss[-1], rtol=1e-5)


def test_a_verdict_is_not_raised_by_chains_that_stand_still():
    # 200 sets of stationary, correlated chains: R-hat and drift find fault with few of them.
    from memjax.measures.sampled.estimates import Used, estimates

    rng, rho = np.random.default_rng(0), 0.8
    noise = rng.normal(size=(200, 4, 600))
    for t in range(1, 600):
        noise[..., t] = rho * noise[..., t - 1] + (1 - rho**2) ** 0.5 * noise[..., t]
    ones = np.ones(200)
    found = estimates(10 + 10 * noise[..., 100:], Used(ones, 0.1 * ones, ones, 0.0), 1000, llc())
    # One alarm among 200 was seen.
    assert (found["llc_verdict"][1] != OK).mean() < 0.03
    np.testing.assert_allclose(found["llc"][1].std(), found["llc_error"][1].mean(), rtol=0.15)


@pytest.mark.slow
def test_runs_that_all_diverged_have_no_estimate(trained):
    lost = trained.copy(deep=True)
    lost["parameters"][:] = np.nan
    with pytest.raises(InputError, match="holds no snapshot of any of its runs"):
        mj.measure(lost, [llc()])


@pytest.mark.slow
def test_an_estimate_does_not_depend_on_how_its_run_is_selected(trained):
    settings = llc(step_size=1e-2, draws=40, burn_in=10, chains=2)
    kept, dropped = (mj.measure(trained.sel(train_size=30, seed=seed, snapshot=[40]), [settings]) for seed in ([0], 0))
    np.testing.assert_array_equal(kept.llc.squeeze(), dropped.llc.squeeze())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (dict(nbeta=0.0), "llc.nbeta is 0.0: give a positive number"),
        (dict(nbeta=(2.0, 2.0)), "give one temperature, or several different ones"),
        (dict(step_size=-1.0), "llc.step_size is -1.0"),
        (dict(draws=3), "llc.draws is 3"),
        (dict(chains=0), "llc.chains is 0"),
        (dict(localization=-1.0), "llc.localization is -1.0"),
        (dict(safety=0.0), "llc.safety is 0.0"),
        (dict(batch_size=0), "llc.batch_size is 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, says):
    with pytest.raises(InputError, match=says):
        llc(**settings)


@pytest.mark.slow
def test_one_train_example_has_no_n_over_log_n():
    spec = mj.Experiment(train_size=1, steps=1, record_every=1, snapshots=(1,))
    with pytest.raises(InputError, match="a run has one train example: give a number"):
        mj.measure(mj.sweep(spec), [llc()])


@pytest.mark.slow
def test_a_batch_larger_than_the_train_set_is_refused(trained):
    with pytest.raises(InputError, match=r"llc\.batch_size is 25, but a run has 20 train examples"):
        mj.measure(trained, [llc(batch_size=25)])


def test_close_temperatures_keep_their_names():
    assert llc((100.0001, 100.0002, None, 3)).labels == ["100.0001", "100.0002", "n / log n", "3"]
