"""Programs for GPUs and TPUs, on a machine without one: they are lowered, and no sum of floats has an order of its own."""

import re
import sys

import jax
import pytest
from tests.engine.accelerated import BATCHED, FOUR, PROGRAMS, blocks, experiment

import memjax as mj
from memjax.engine.program.compiled import segment_function
from memjax.engine.program.shapes import segment_shapes


def traced(block):
    program, schedule, shape, records, *rest = block.key
    given = segment_shapes(program, schedule, shape, records, *rest)
    return segment_function(program, schedule, records).trace(*given)


def float_sums(text):
    """Scatters that add floats, which a GPU does by atomics: in another order, and to other bits, every time."""
    regions = re.findall(r'"stablehlo\.scatter"\(.*?\n.*?\}\)', text, re.DOTALL)
    return [one for one in regions if re.search(r"stablehlo\.add .*tensor<(f|bf)\d+>", one)]


FAST = ("MLP", "MLP, minibatches", "EmbeddingMLP", "measures of derivatives", "a pool")
CASES = [
    pytest.param(name, platform, marks=[] if name in FAST and platform == "cuda" else pytest.mark.slow)
    for platform in ("cuda", "tpu")
    for name in PROGRAMS
]


@pytest.mark.parametrize(("name", "platform"), CASES)
def test_every_program_is_lowered_without_sums_in_any_order(name, platform):
    for block in PROGRAMS[name]()[:1]:
        text = traced(block).lower(lowering_platforms=(platform,)).as_text()
        assert not float_sums(text)
        assert "custom_call @lapack" not in text


def test_a_sum_of_floats_in_any_order_is_seen():
    """The derivative of JAX's own look-up is one."""
    slope = jax.jit(jax.grad(lambda table, rows: (table[rows] ** 2).sum()))
    shapes = jax.ShapeDtypeStruct((5, 3), "float32"), jax.ShapeDtypeStruct((7,), "int32")
    assert len(float_sums(slope.trace(*shapes).lower(lowering_platforms=("cuda",)).as_text())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_float64_is_lowered(platform):
    with jax.enable_x64(True):
        (block,) = blocks(experiment(), FOUR)
        text = traced(block).lower(lowering_platforms=(platform,)).as_text()
    assert "f64" in text and not float_sums(text)


def test_products_of_an_accelerator_are_in_float32_unless_the_user_takes_less(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(sys.modules["memjax.explain"], "relative_speed", lambda: 1.0)
    from memjax.jax_settings import compile_settings, named_settings, under

    def products():
        with under(compile_settings()):
            (block,) = blocks(experiment(steps=20), FOUR)
            text = traced(block).lower(lowering_platforms=("cuda",)).as_text()
        return {"HIGHEST" in line for line in text.splitlines() if "dot_general" in line}

    assert products() == {True}
    with jax.default_matmul_precision("default"):
        assert products() == {False}
        assert named_settings()["matmul_precision"] == "default"
    # A store that was begun on a CPU goes on.
    assert named_settings()["matmul_precision"] is None
    assert "highest precision" in str(mj.explain(experiment(steps=20), packing=BATCHED))
