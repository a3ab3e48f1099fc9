"""Numbers of memjax's own optimizers and schedules: refused out of their range, typed or swept; functions of the step."""

import inspect

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import memjax as mj
from memjax import Experiment, InputError
from memjax.experiment.axes import cells, read_axes
from memjax.experiment.encode import encode
from memjax.models import MLP, Autoencoder
from memjax.optimizers import (
    adam,
    adamw,
    constant,
    cosine,
    dp_sgd,
    from_optax,
    langevin,
    linear,
    norm_constrained,
    rmsprop,
    sgd,
    sgld,
    warmup,
    warmup_cosine,
)
from memjax.optimizers.values import LearningRate, NotNegative, Share, values_of

BASE = Experiment(train_size=20, steps=20, record_every=10, model=mj.models.MLP(hidden=()), measures=("loss",))
RULES = {
    "adam": adam(clip_norm=1.0),
    "adamw": adamw(clip_norm=1.0),
    "sgd": sgd(momentum=0.5, clip_norm=1.0),
    "rmsprop": rmsprop(momentum=0.5, clip_norm=1.0),
    "langevin": langevin(),
    "sgld": sgld(),
    "dp_sgd": dp_sgd(),
    "norm_constrained": norm_constrained(adam(clip_norm=1.0)),
}
NESTEROV = {**sgd().hyperparameters, "nesterov": True}
NUMBERS = [
    (name, field) for name, rule in RULES.items() for field in rule.hyperparameters if field not in ("nesterov", "norm")
]
SHARES, POSITIVE = ("b1", "b2", "decay", "momentum"), ("clip_norm",)


def _with(**fields):
    return Experiment(**{**vars(BASE), **fields})


def _swept(optimizer, over):
    return [run.optimizer for _, run in cells(_with(optimizer=optimizer), read_axes(over))]


@pytest.mark.parametrize(("name", "field"), NUMBERS)
def test_every_number_is_refused_out_of_its_range_where_typed_and_where_swept(name, field):
    rule = RULES[name]
    bad = [-1e-9, -1, np.float32(-2), float("nan"), float("inf"), "1", None, True]
    bad += [1, 1.5] if field in SHARES else [0] if field in POSITIVE else []
    bad = [value for value in bad if value is not None or field not in ("momentum", "clip_norm")]
    for value in bad:
        sentence = rf"{name}\.{field} is .*: give a (finite|positive)? ?number"
        with pytest.raises(InputError, match=sentence):
            type(rule)(rule.factory, {**rule.hyperparameters, field: value})
        if isinstance(value, int | float):
            with pytest.raises(InputError, match=sentence):
                _swept(rule, {field: [0.5, value]})
    ends = [0.99, 1e-12] if field in POSITIVE else [0, 1 - 2**-24] if field in SHARES else [0, 1e30]
    assert [own.hyperparameters[field] for own in _swept(rule, {field: ends})] == ends


@pytest.mark.parametrize("schedule", [constant, warmup, linear, cosine, warmup_cosine])
def test_schedules_are_refused_below_zero_where_typed_and_where_swept(schedule):
    for field in vars(schedule()):
        if field != "peak":
            with pytest.raises(
                InputError, match=rf"{schedule.__name__}\.{field} is -1: give a finite number of at least 0"
            ):
                schedule(**{field: -1})
        with pytest.raises(InputError, match=rf"{field} is -0\.5: give a (finite )?number of at least 0"):
            _swept(adam(schedule()), {field: [1, -0.5]})
    with pytest.raises(InputError, match=r"sgd\.learning_rate\.peak is -1: .* give the experiment loss_scale=-1"):
        sgd(schedule(peak=-1))
    # A factory of one's own may add what it scales.
    assert (
        from_optax(optax.scale_by_schedule, step_size_fn=schedule(peak=-1)).hyperparameters["step_size_fn"].peak == -1
    )


def test_flags_are_words_of_truth():
    for value in (np.True_, 1):
        assert sgd(momentum=0.9, nesterov=value) == sgd(momentum=0.9, nesterov=True)
    assert MLP(bias=0) == MLP(bias=False) and Autoencoder(bias=np.False_) == Autoencoder(bias=False)
    for value in ("no", 2, 0.5, None):
        with pytest.raises(InputError, match=r"sgd\.nesterov is .*: give True or False"):
            sgd(momentum=0.9, nesterov=value)
        for model in (MLP, Autoencoder):
            with pytest.raises(InputError, match=rf"{model.__name__}\.bias is .*: give True or False"):
                model(bias=value)


def test_nesterov_needs_a_momentum_where_typed_and_where_swept():
    sentence = r"nesterov is True, but momentum is None: give a momentum, such as 0\.9"
    for make in (lambda: sgd(nesterov=True), lambda: norm_constrained(from_optax(sgd().factory, **NESTEROV))):
        with pytest.raises(InputError, match=sentence):
            make()
    with pytest.raises(InputError, match=sentence):
        _swept(sgd(momentum=0.9, nesterov=True), {"momentum": [0.9, None]})
    assert len(_swept(sgd(momentum=0.9), {"momentum": [0.9, None]})) == 2


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_what_each_of_its_numbers_may_be(name):
    rule = RULES[name]
    assert set(rule.hyperparameters) <= set(values_of(rule.factory))
    assert rule.built_in and isinstance(inspect.getattr_static(mj.optimizers, name), type(adam))


def _adam(learning_rate: LearningRate, fading: Share, pull: NotNegative, power=2):
    return optax.chain(
        optax.trace(fading), optax.add_decayed_weights(pull), optax.scale_by_learning_rate(learning_rate)
    )


def test_a_rule_of_ones_own_says_what_its_numbers_may_be_as_memjaxs_do():
    ours = mj.optimizers.Optimizer(_adam, dict(learning_rate=1, fading=0, pull=np.float32(0.5), power=3))
    assert [repr(value) for value in ours.hyperparameters.values()] == ["1.0", "0.0", "0.5", "3"]
    with pytest.raises(InputError, match=r"adam\.fading is 1\.0: give a finite number of at least 0 and less than 1"):
        _swept(ours, {"fading": [0.5, 1.0]})
    with pytest.raises(InputError, match=r"adam\.pull is .*: only learning_rate may be a function of the step"):
        from_optax(_adam, learning_rate=0.1, fading=0.0, pull=lambda step: 0.1)
    with pytest.raises(InputError, match=r"adam\.learning_rate is .*, which gives -0\.01 before step 11"):
        falling = from_optax(_adam, learning_rate=lambda step: 0.1 - 0.01 * step, fading=0.0, pull=0.0)
        mj.explain(_with(optimizer=falling), {})


def test_a_rule_of_ones_own_is_not_taken_for_memjaxs_of_the_same_name():
    ours = from_optax(_adam, learning_rate=0.1, fading=0.0, pull=0.0)
    assert ours.name == "adam" and not ours.built_in and adam().built_in
    assert encode(ours)["type"] == "optimizers.from_optax" and encode(adam())["type"] == "optimizers.adam"


def test_what_the_numbers_of_another_factory_mean_is_not_known():
    assert from_optax(optax.sgd, learning_rate=-1.0, momentum=1.5).hyperparameters["momentum"] == 1.5


def test_a_negative_loss_scale_goes_up_the_loss_as_the_sentence_says():
    down, up = mj.sweep(_with(optimizer=sgd(0.5)), {"loss_scale": [1.0, -1.0]}).train_loss
    assert down[-1] < down[0] and up[-1] > up[0]


def test_a_decay_that_begins_after_the_end_is_refused_and_a_beginning_is_not():
    with pytest.raises(InputError, match=r"warmup_cosine\.warmup_steps is 21, more than the 20 steps of the run"):
        mj.explain(_with(optimizer=adam(warmup_cosine())), {"warmup_steps": [20, 21]})
    mj.explain(_with(optimizer=adam(warmup_cosine(warmup_steps=30))), {"warmup_steps": [5, 20]})
    mj.explain(_with(optimizer=adam(warmup(warmup_steps=100))), {})


@pytest.mark.slow
def test_a_function_of_the_step_trains_as_the_schedule_that_it_stands_for():
    function, schedule = mj.sweep(
        BASE, {"optimizer": [sgd(optax.cosine_decay_schedule(0.5, 20)), sgd(cosine(0.5))]}
    ).train_loss.values
    assert function[-1] < function[0]
    # Measured 0, of losses of 2.9; the two compute their cosines in another order.
    np.testing.assert_allclose(function, schedule, rtol=0, atol=1e-6)


NO_RATES = {
    "negative": (lambda step: 0.1 - 0.01 * step, r"which gives -0\.01 before step 11: give finite rates of at least 0"),
    "not finite": (lambda step: 1 / (step - 3), r"which gives inf before step 3"),
    "no number": (lambda step: "fast", r"which gave a str for one step: it must give one real number"),
    "several": (lambda step: jnp.ones(3), r"which gave float32\[3\] for one step"),
    "complex": (lambda step: 1j * step, r"which gave complex64\[\] for one step"),
    "not to be traced": (
        lambda step: 1 if step < 3 else 0,
        r"failed on a traced step: .* such as jnp\.where in place of if",
    ),
    "an optimizer": (optax.adam, r"which gave a GradientTransformationExtraArgs for one step"),
    "a schedule's vector": (
        type("Wide", (), {"at": lambda self, step, steps: jnp.ones(2)})(),
        r"which gave float32\[2\]",
    ),
}


@pytest.mark.parametrize("kind", NO_RATES)
def test_a_function_that_gives_no_rate_is_refused_before_training(kind):
    function, sentence = NO_RATES[kind]
    with pytest.raises(InputError, match=r"adam\.learning_rate is .*" + sentence):
        mj.explain(_with(optimizer=adam(function)), {})


@pytest.mark.parametrize("function", [lambda step, steps: 0.1, max, lambda: 0.1])
def test_a_function_of_something_else_is_refused_where_it_is_typed(function):
    with pytest.raises(InputError, match=r"adam\.learning_rate is .*, which cannot be called with one argument"):
        adam(function)
    with pytest.raises(InputError, match=r"adam\.b1 is .*: only learning_rate may be a function of the step"):
        adam(b1=function)


def test_a_number_of_jax_is_a_number():
    assert adam(jnp.float32(0.5)) == adam(0.5)
    with pytest.raises(InputError, match=r"adam\.learning_rate is -0\.5"):
        adam(jnp.float32(-0.5))
