"""The dense product against plain matrix products: values, derivatives of any order, batching over either operand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from memjax.models import MLP
from memjax.models.layers import dense

# float64 sums of at most 6 terms, orders differ: measured 4e-16, with room for other machines.
CLOSE = dict(rtol=1e-13, atol=1e-13)


def plain(kernel, inputs):
    return kernel.T @ inputs


def scalar(product):
    return lambda kernel, inputs: jnp.sin(product(kernel, inputs)).sum()


def hessian_vector(product, kernel, inputs):
    gradient = jax.grad(scalar(product))
    return jax.jvp(lambda w: gradient(w, inputs), (kernel,), (kernel,))[1]


CALCULUS = {
    "value": lambda product, w, h: product(w, h),
    "gradient": lambda product, w, h: jax.grad(scalar(product), (0, 1))(w, h),
    "tangent": lambda product, w, h: jax.jvp(scalar(product), (w, h), (2 * w, h)),
    "hessian": lambda product, w, h: jax.hessian(scalar(product), (0, 1))(w, h),
    "reverse over reverse": lambda product, w, h: jax.jacrev(jax.grad(scalar(product), (0, 1)), (0, 1))(w, h),
    "hessian times vector": hessian_vector,
    "third derivative": lambda product, w, h: jax.jacfwd(jax.hessian(scalar(product)))(w, h),
}


def operands():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 6))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@functools.partial(jax.jit, static_argnums=(0, 1))
def calculus(name, product, kernel, inputs):
    return CALCULUS[name](product, kernel, inputs)


def assert_trees_close(ours, theirs):
    jax.tree.map(lambda a, b: assert_allclose(a, b, **CLOSE), ours, theirs)


@pytest.mark.parametrize("name", CALCULUS)
def test_calculus_is_that_of_the_matrix_product(name):
    assert_trees_close(calculus(name, dense, *operands()), calculus(name, plain, *operands()))


# Operation by operation, every operation a small program of its own.
LONG = ("hessian", "reverse over reverse", "third derivative")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in CALCULUS])
def test_calculus_without_a_compile_of_the_whole_is_the_same(name):
    assert_trees_close(CALCULUS[name](dense, *operands()), calculus(name, plain, *operands()))


@pytest.mark.parametrize("name", ["value", "gradient", "hessian times vector"])
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0), (2, 1), (1, None), (None, 2)])
def test_batches_over_either_or_both_operands(name, axes):
    kernel, inputs = operands()
    many = [leaf if axis is None else np.stack([leaf, 2 * leaf, -leaf, leaf**2, leaf], axis) for leaf, axis in
            zip((kernel, inputs), axes, strict=True)]  # fmt: skip
    assert_trees_close(*jax.jit(lambda *many: [_batched(name, f, axes)(*many) for f in (dense, plain)])(*many))


def _batched(name, product, axes):
    return jax.vmap(lambda kernel, inputs: CALCULUS[name](product, kernel, inputs), axes)


@pytest.mark.parametrize("order", [(0, None), (None, 0)])
def test_batches_twice(order):
    kernel, inputs = operands()
    kernels, examples = np.stack([kernel, 2 * kernel]), np.stack([inputs, -inputs, inputs**2])
    twice = lambda f: jax.vmap(jax.vmap(jax.grad(scalar(f), (0, 1)), order), order[::-1])(kernels, examples)  # noqa: E731
    assert_trees_close(*jax.jit(lambda: (twice(dense), twice(plain)))())


def test_one_operand_of_a_batch_is_not_copied():
    """A gradient per example must not hold a kernel per example on the way: 4000 kernels of 64 KB would be 256 MB."""
    kernel, inputs = jnp.ones((64, 128)), jnp.ones((4000, 64, 1))
    forward = jax.jit(jax.vmap(dense, (None, 0)))
    memory = forward.lower(kernel, inputs).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 4 * inputs.nbytes


def test_a_float32_kernel_meets_float64_inputs():
    kernel, inputs = operands()
    assert_allclose(dense(kernel.astype("float32"), inputs), plain(kernel.astype("float32"), inputs), **CLOSE)


def test_the_mlp_is_affine_layers_with_activations_between():
    model = MLP(hidden=(5, 4), outputs=3, activation="tanh")
    x = np.random.default_rng(1).normal(size=(7, 2))
    params, outputs = jax.jit(lambda x: (params := model.init(jax.random.key(0), x), model.apply(params, x)))(x)
    hidden = x
    for depth in range(3):
        layer = params[f"layer_{depth}"]
        hidden = hidden @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
        hidden = np.tanh(hidden) if depth < 2 else hidden
    assert_allclose(outputs, hidden, **CLOSE)
