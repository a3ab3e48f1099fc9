"""What an object holds, as a digest: everything that can change a number changes it, and nothing else does."""

import dataclasses
import functools
import re
import subprocess
import sys
import types
import typing

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from memjax import InputError, Measure
from memjax.content import content, same, try_content
from memjax.models import FunctionPair


def made(source, **names):
    """What `it` is after some source text was run in a module of its own, as a notebook's cell is."""
    module = types.ModuleType("__main__")
    module.__dict__.update(names)
    exec(source, module.__dict__)
    return module.it


def closure(value):
    return lambda x: (x, value)


def measured(value):
    return lambda params, apply, examples: value


def default(value):
    def own(x, scale=value):
        return x * scale

    return own


def keyword_default(value):
    def own(x, *, scale=value):
        return x * scale

    return own


def twice_nested(value):
    inner = closure(value)
    return lambda x: inner(x)


class Plain:
    def __init__(self, value):
        self.value = value

    def method(self, x):
        return x


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


@dataclasses.dataclass(frozen=True)
class Record:
    value: object


class Net(nn.Module):
    value: object

    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(x)


def with_attribute(value):
    own = closure(0)
    own.value = value
    return own


def in_global(value):
    return made("def it(x): return x * value", value=value)


def in_global_helper(value):
    return made("def helper(x): return x * value\ndef it(x): return helper(x)", value=value)


def in_global_of_inner(value):
    return made("def it(x): return [(lambda z: z * value)(y) for y in x]", value=value)


def in_module_of_mine(value):
    mine = types.ModuleType("mine")
    mine.inner = types.ModuleType("mine.inner")
    mine.inner.value = value
    return made("def it(x): return x * mine.inner.value", mine=mine)


# How a value can get into what a user hands over.
HOLDERS = (
    closure, default, keyword_default, twice_nested, with_attribute, in_global, in_global_helper,
    in_global_of_inner, in_module_of_mine,
    lambda value: Plain(value), lambda value: Plain(value).method, lambda value: Slotted(value), lambda value: Record(value),
    lambda value: Net(value), lambda value: functools.partial(max, value), lambda value: functools.partial(max, key=value),
    lambda value: jax.jit(closure(value)), lambda value: jax.vmap(closure(value)), lambda value: jax.checkpoint(closure(value)),
    lambda value: jax.custom_jvp(closure(value)), lambda value: functools.lru_cache(closure(value)), lambda value: [value],
    lambda value: (0, {"inside": value}), lambda value: {0: value}, lambda value: FunctionPair(closure(value), max),
    lambda value: Measure(measured(value), "own"), lambda value: staticmethod(closure(value)),
    lambda value: property(closure(value)),
    lambda value: type("Made", (), {"value": value}), lambda value: types.SimpleNamespace(value=value),
)  # fmt: skip
# Pairs of values that a name, a repr or an equality takes for the same.
long_array = np.arange(5000.0)
other_array = long_array.copy()
other_array[2500] += 1e-9
VALUES = (
    (1e-5, 1e-1), (1, 1.0), (True, 1), (0.0, -0.0), ("a", b"a"), ([5, 8, 3], [5, 64, 3]), ((1, 2), [1, 2]),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": 2}),
    (long_array, other_array), (jnp.asarray([1.0, 2.0]), jnp.asarray([1.0, 3.0])), (np.float32(1), np.float64(1)),
    (closure(1), closure(2)), (lambda x: x + 1, lambda x: x + 2), (lambda x, y: x - y, lambda y, x: x - y),
    (frozenset({1, 2}), frozenset({1, 3})), (range(3), range(4)), (np.dtype("<f4"), np.dtype("<f8")), (None, False),
    (2**70, 2**71),
    (jax.random.key(0), jax.random.key(1)), (np.random.default_rng(0), np.random.default_rng(1)), (Plain(1), Plain(2)),
    (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[0, 0])), (jnp.tanh, jnp.sin), (np.tanh, np.sin),
    (np.array([closure(1)]), np.array([closure(2)])),
)  # fmt: skip


@pytest.mark.parametrize("hold", HOLDERS, ids=range(len(HOLDERS)))
def test_a_value_is_seen_wherever_it_is_held(hold):
    for one, other in VALUES:
        assert content(hold(one)) == content(hold(one)), one
        assert content(hold(one)) != content(hold(other)), (one, other)


def test_code_is_told_from_other_code_under_the_same_name():
    texts = (
        "def it(x): return x + 1", "def it(x): return x - 1", "def it(x): return x + 2", "def it(x): return abs(x)",
        "def it(x): return max(x)", "def it(x, y=1): return x + 1", "def it(x, /): return x + 1", 
        "it = lambda x: (y for y in x)",
        "it = lambda x: [y for y in x if y]", "def it(x):\n try: return x\n except ValueError: return 1",
        "def it(x):\n try: return x\n except KeyError: return 1", "class it:\n def f(self): return 1",
        "class it:\n def f(self): return 2", "class it:\n @property\n def f(self): return 2",
    )  # fmt: skip
    assert len({content(made(text)) for text in texts}) == len(texts)


def test_names_places_comments_and_docstrings_do_not_count():
    first = made("def it(x):\n    '''One.'''\n    return x + 1")
    second = made("# moved\n\n\ndef other(x):\n    '''Two.'''\n    # why\n    return x + 1\nit = other")
    assert content(first) == content(second)
    assert content(functools.partial(max, key=1, default=2)) == content(functools.partial(max, default=2, key=1))
    assert content(types.SimpleNamespace(a=1, b=2)) == content(types.SimpleNamespace(b=2, a=1))


def test_the_order_of_a_dict_counts_for_layers_may_be_applied_in_it():
    layers = {"first": jnp.square, "second": jnp.sin}
    assert content(closure(layers)) == content(closure(dict(layers)))
    assert content(closure(layers)) != content(closure(dict(reversed(layers.items()))))


def test_use_does_not_change_what_a_function_or_a_module_of_flax_holds():
    function, net = made("def it(x): return sum(x * 2 for _ in range(100))"), Net(3)
    before = content(function), content(net)
    for _ in range(50):
        function(1.0)
    net.init(jax.random.key(0), jnp.zeros((1, 2)))
    assert (content(function), content(net)) == before


def test_the_schedules_of_optax_are_told_apart_by_their_numbers():
    def rates(peak):
        parts = optax.linear_schedule(0.0, peak, 5), optax.constant_schedule(peak)
        return (
            optax.warmup_cosine_decay_schedule(0.0, peak, 5, 20),
            optax.join_schedules(parts, [5]),
            optax.piecewise_constant_schedule(1.0, {5: peak}),
            optax.sgdr_schedule([{"init_value": 0.0, "peak_value": peak, "decay_steps": 9, "warmup_steps": 3}]),
            optax.adamw(peak),
        )

    for low, same_low, high in zip(rates(1e-5), rates(1e-5), rates(1e-1), strict=True):
        assert content(low) == content(same_low) != content(high)


def test_a_schedule_of_optax_that_was_called_holds_what_it_held():
    schedule = optax.warmup_cosine_decay_schedule(0.0, 1.0, 5, 20)
    before = content(schedule)
    schedule(jnp.int32(7))
    assert content(schedule) == before


def test_functions_that_call_themselves_or_each_other_end():
    source = "def it(x): return x if x < 1 else {name}(x - 1)\ndef other(x): return it(x) + {number}"
    first = [content(made(source.format(name=name, number=1))) for name in ("it", "other")]
    assert first == [content(made(source.format(name=name, number=1))) for name in ("it", "other")]
    assert content(made(source.format(name="other", number=2))) != first[1]
    assert content(np.array([closure(1)])) == content(np.array([closure(1)]))
    held = []
    held.append(held)
    assert content(held) == content(held)


@pytest.mark.slow
def test_the_digest_is_the_same_in_another_process():
    code = (
        "import functools, jax, jax.numpy as jnp, numpy as np, optax, flax.linen as nn\n"
        "from memjax.content import content\n"
        "class Net(nn.Module):\n"
        "    wide: int = 3\n"
        "    def setup(self): self.inner = nn.Dense(self.wide)\n"
        "    def __call__(self, x): return nn.relu(self.inner(x))\n"
        "table = {'b': frozenset('abcdefghijklm'), 'a': {1.5, 2.5}}\n"
        "def own(x, scale=np.ones(3)): return [jnp.where(x > 0, part, table) for part in x]\n"
        "things = own, Net(), jax.jit(own), functools.partial(own, 3), optax.cosine_decay_schedule(0.1, 9), jax.nn.gelu\n"
        "print(*[content(thing) for thing in things], sep='\\n')\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout and len(set(runs[0].stdout.split())) == 6


def test_what_cannot_be_told_apart_says_so_and_can_be_named(tmp_path):
    with open(tmp_path / "file", "w") as file:
        for thing in (file, closure(file), (n for n in range(3))):
            with pytest.raises(
                InputError, match=r"cannot be read .* give the object, .* an attribute __memjax_content__"
            ):
                content(thing)
            assert try_content(thing) is None
        first, second = closure(file), closure(file)
        first.__memjax_content__, second.__memjax_content__ = "version 1", "version 2"
        assert content(first) == content(first) != content(second)
    deep = functools.reduce(lambda inner, _: [inner], range(400), 0)
    with pytest.raises(InputError, match="nested more than 100 deep"):
        content(deep)


def test_digests_of_two_versions_of_python_cannot_be_compared():
    own = content(closure(1))
    version, _, digest = own.partition(":")
    assert version == f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert same(own, own) is True and same(own, content(closure(2))) is False
    assert same(own, f"python2.7:{digest}") is None
    # No code of the user's own, nothing that depends on the version.
    assert ":" not in content((np.tanh, np.arange(3), {"a": 1}))


def test_an_object_that_fails_when_it_is_looked_at_is_unreadable():
    class Shy:
        def __reduce_ex__(self, protocol):
            raise RuntimeError("not now")

    class Sly:
        def __getattr__(self, name):
            raise ValueError(name)

        def __reduce_ex__(self, protocol):
            return 3

    for thing in (Shy(), Sly(), closure(Sly())):
        with pytest.raises(InputError, match="cannot be read"):
            content(thing)


def surrogate(slope):
    @jax.custom_jvp
    def step(x):
        return jnp.sign(x)

    step.defjvp(lambda primals, tangents: (step(*primals), slope * tangents[0]))
    return step


def with_backward(slope):
    step = jax.custom_vjp(jnp.sign)
    step.defvjp(lambda x: (jnp.sign(x), None), lambda _, gradient: (slope * gradient,))
    return step


class Scaled:
    def __init__(self, function, scale):
        functools.update_wrapper(self, function)
        self.scale = scale


def wrapped(scale):
    return Scaled(closure(1), scale)


def beside_fields(value):
    record = Record(1)
    object.__setattr__(record, "table", np.full(3, value))
    return record


def without_module_name(value):
    held = {}
    exec(f"class Own:\n def it(self): return {value}", held)
    return held["Own"]()


def listed(value):
    own = type("Listed", (list,), {})([1])
    own.value = value
    return own


def with_metaclass(value):
    class Meta(type):
        def scale(cls):
            return value

    return Meta("Own", (), {})


def dispatched(value):
    own = functools.singledispatch(closure(1))
    own.register(int, closure(value))
    return own


def lazily_computed(value):
    class Own:
        @functools.cached_property
        def twice(self):
            return 2 * value

    return Own()


@pytest.mark.parametrize(
    "make",
    (
        surrogate,
        with_backward,
        wrapped,
        beside_fields,
        without_module_name,
        listed,
        with_metaclass,
        dispatched,
        lazily_computed,
    ),
)
def test_what_stands_beside_a_function_a_field_or_an_item_is_seen(make):
    assert content(make(2)) == content(make(2)) != content(make(3))


def test_a_file_of_ones_own_with_the_name_of_a_module_of_python_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "code", types.ModuleType("code"))
    sys.modules["code"].__file__ = str(tmp_path / "code.py")
    made = []
    for number in (1, 2):
        exec(f"def loss(x): return {number} * x", sys.modules["code"].__dict__)
        made.append(content(sys.modules["code"].loss))
    assert made[0] != made[1]


def test_modules_that_a_function_imports_are_the_same_before_its_first_call(tmp_path, monkeypatch):
    """Also modules of one's own are seen, each of the names that come from them, and those below a package."""
    (tmp_path / "of_mine").mkdir()
    (tmp_path / "of_mine" / "__init__.py").touch()
    (tmp_path / "of_mine" / "numbers_of_mine.py").write_text("first = 1.0\nsecond = 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    texts = (
        "from of_mine.numbers_of_mine import first, second", "from .numbers_of_mine import first, second",
        "import of_mine.numbers_of_mine as second", "from . import numbers_of_mine as second",
    )  # fmt: skip
    functions = [made(f"def it():\n {text}\n return second", __package__="of_mine") for text in texts]
    before = [content(function) for function in functions]
    used = [function() for function in functions]
    assert used[:2] == [2.0, 2.0] and before == [content(function) for function in functions]
    sys.modules["of_mine.numbers_of_mine"].second = 3.0
    (tmp_path / "of_mine" / "numbers_of_mine.py").write_text("second = 3.0\n")
    assert all(content(function) != old for function, old in zip(functions, before, strict=True))
    for name in ("of_mine.numbers_of_mine", "of_mine"):
        del sys.modules[name]
    lazy = made("def it():\n import scipy.odr\n from no_such_module import one\n return one")
    alone = content(lazy)
    monkeypatch.setitem(sys.modules, "scipy.odr", types.ModuleType("scipy.odr"))
    assert content(lazy) == alone


def test_imports_and_modules_are_seen_in_functions_of_very_many_names():
    many = "\n ".join(f"x.name{i}" for i in range(300))
    imports = f"def it(x):\n {many}\n from json import dumps\n return dumps"
    assert content(made(imports)) == content(made(imports))
    attribute = f"def it(x):\n {many}\n return mine.value"
    mine = [types.ModuleType("mine"), types.ModuleType("mine")]
    mine[0].value, mine[1].value = 1, 2
    assert content(made(attribute, mine=mine[0])) != content(made(attribute, mine=mine[1]))


def test_installed_objects_are_known_by_their_names_and_not_by_the_state_of_a_generator():
    from random import gauss

    from numpy.random import normal
    from scipy.special import erf
    from scipy.stats import norm, ortho_group

    names = {"normal": normal, "norm": norm, "ortho_group": ortho_group, "gauss": gauss, "erf": erf}
    draw = made("def it(x): return normal(size=3), norm.ppf(x), ortho_group.rvs(3), gauss(0, 1), erf(x)", **names)
    before = content(draw)
    draw(0.5)
    assert content(draw) == before
    for one, other in ((norm(0, 1), norm(0, 2)), (np.random.RandomState(0), np.random.RandomState(1))):
        assert content(one) != content(other)


def test_looking_copying_and_caching_do_not_change_what_an_object_holds():
    import copy

    import pandas as pd
    import xarray as xr

    days = pd.Series([1.0, 2.0], index=pd.date_range("2020", periods=2))
    cube, lazy = xr.DataArray(np.arange(3.0), dims="a", coords={"a": list("xyz")}), lazily_computed(2)
    pair = typing.NamedTuple("pair", [("a", int)])(1)
    things = days, cube, lazy, Net(3), pair
    before = [content(thing) for thing in things]
    repr((days.loc[days.index[0]], cube.sel(a="x"), cube)), lazy.twice
    copy.deepcopy(things[3:])
    assert [content(thing) for thing in things] == before
    assert content(re.compile("a")) != content(re.compile("b")) and content(int | None) != content(int | str)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is that of Python 3.12")
@pytest.mark.parametrize("inside", ["type alias = list[used]", "def method[T: used](self): pass"])
def test_a_global_that_a_type_inside_a_class_names_is_seen(inside):
    source = f"def it():\n    class Own:\n        {inside}\n    return Own"
    assert content(made(source, used=int)) == content(made(source, used=int)) != content(made(source, used=str))
