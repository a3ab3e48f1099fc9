"""Look-ups by token: the same as JAX's gather, to the second derivative and under `jax.vmap`, and no scatter on a GPU."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memjax.models import lookup

RNG = np.random.default_rng(0)
TABLES = jnp.array(RNG.normal(size=(4, 7, 3)), jnp.float32)
TOKENS = jnp.array(RNG.integers(0, 7, (4, 11, 2)))


def gathered(table, tokens):
    return table.at[tokens].get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)


def value(rows, table, tokens):
    return jnp.square(jnp.sin(rows(table, tokens))).sum()


def along(rows, table, tokens):
    """Product of the Hessian with a direction."""
    slope = jax.grad(functools.partial(value, rows))
    return jax.jvp(lambda t: slope(t, tokens), (table,), (jnp.cos(table),))[1]


def hessian(rows, table, tokens):
    return jax.hessian(functools.partial(value, rows))(table, tokens)


def gradient(rows, table, tokens):
    return jax.grad(functools.partial(value, rows))(table, tokens)


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)], ids=str)
@pytest.mark.parametrize("function", [value, gradient, along, pytest.param(hessian, marks=pytest.mark.slow)])
def test_a_lookup_is_jaxs_gather_to_every_order(function, axes):
    table, tokens = (whole if axis == 0 else whole[0] for whole, axis in zip((TABLES, TOKENS), axes, strict=True))
    ours, plain = (jax.vmap(functools.partial(function, rows), axes)(table, tokens) for rows in (lookup.rows, gathered))
    # Both add the same numbers in the same order; sums over all entries differ by 2e-6 of their value.
    np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-6)


def test_two_maps_over_different_axes_are_the_same_too():
    both = lambda rows: jax.vmap(  # noqa: E731
        lambda table: jax.vmap(lambda tokens: gradient(rows, table, tokens))(TOKENS)
    )(TABLES)
    np.testing.assert_allclose(both(lookup.rows), both(gathered), rtol=1e-6, atol=1e-6)


def test_the_product_of_an_accelerator_is_the_sum_in_turn():
    values = jnp.array(RNG.normal(size=(4, 11, 2, 3)), jnp.float32)
    sums = [form(values, TOKENS, lead=1, size=7) for form in (lookup._product, lookup._scatter)]
    # The largest difference is 5e-7, of sums of about seven numbers.
    np.testing.assert_allclose(*sums, rtol=1e-5, atol=2e-6)
    assert sums[0].shape == (4, 7, 3)


def test_a_token_outside_the_table_gives_nan_and_no_gradient():
    tokens = jnp.array([-1, 7, 2])
    assert np.isnan(lookup.rows(TABLES[0], tokens)).all(1).tolist() == [True, True, False]
    slope = jax.grad(lambda table: lookup.rows(table, tokens)[2].sum())(TABLES[0])
    np.testing.assert_array_equal(slope, np.eye(7)[2][:, None] * np.ones(3))


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_no_scatter_is_lowered_for_an_accelerator(platform):
    lowered = [
        jax.jit(jax.vmap(functools.partial(along, rows))).trace(TABLES, TOKENS).lower(lowering_platforms=(platform,))
        for rows in (lookup.rows, gathered)
    ]
    assert ["stablehlo.scatter" in form.as_text() for form in lowered] == [False, True]
