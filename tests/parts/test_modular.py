"""ModularArithmetic: labels against Python's whole numbers, test sets that are complements, one pool, every error sentence."""

import pickle
from fractions import Fraction

import numpy as np
import pytest

from memjax import Experiment, InputError
from memjax.content import content
from memjax.experiment.decode import decode
from memjax.experiment.encode import encode, reference
from memjax.tasks import ModularArithmetic, modular

# Without powers and without arrays.
BY_HAND = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "x^2+y^2": lambda x, y: x * x + y * y,
    "x^2+xy+y^2": lambda x, y: x * x + x * y + y * y,
    "x^2+xy+y^2+x": lambda x, y: x * x + x * y + y * y + x,
    "x^3+xy": lambda x, y: x * x * x + x * y,
    "x^3+xy^2+y": lambda x, y: x * x * x + x * y * y + y,
}


def all_examples(task, seed=0):
    """Every pair with its label, from both splits of a draw."""
    size = task.num_examples // 2
    train, test = task.draw(seed, *task.sizes(size, None))
    pairs = task.pool[np.concatenate([train.x, test.x])]
    return dict(zip(map(tuple, pairs.tolist()), np.concatenate([train.y, test.y]).tolist(), strict=True))


@pytest.mark.parametrize("p", [2, 6, 13, 53])
@pytest.mark.parametrize("operation", BY_HAND)
def test_labels_are_those_of_whole_numbers(p, operation):
    expected = {(a, b): BY_HAND[operation](a, b) % p for a in range(p) for b in range(p)}
    assert all_examples(ModularArithmetic(p, operation)) == expected


@pytest.mark.parametrize("p", [2, 3, 13, 97])
def test_a_quotient_times_the_divisor_is_the_dividend(p):
    found = all_examples(ModularArithmetic(p, "divide"))
    assert set(found) == {(a, b) for a in range(p) for b in range(1, p)}
    assert all(c * b % p == a and 0 <= c < p for (a, b), c in found.items())


def test_cubes_of_the_largest_modulus_do_not_overflow():
    a = np.array([0, 9_998, 9_999])
    found = modular._OPERATIONS["x^3+xy^2+y"](a, a[::-1], modular._LARGEST)
    assert found.tolist() == [BY_HAND["x^3+xy^2+y"](x, y) for x, y in [(0, 9_999), (9_998, 9_998), (9_999, 0)]]


@pytest.mark.parametrize("operation", ["add", "subtract"])
def test_a_shift_of_one_operand_shifts_the_class(operation):
    found = all_examples(ModularArithmetic(11, operation))
    assert all(found[(a + 3) % 11, b] == (c + 3) % 11 for (a, b), c in found.items())
    assert np.bincount(list(found.values())).tolist() == [11] * 11


def test_the_counts_are_those_of_the_thread():
    task = ModularArithmetic(53)
    assert (task.num_examples, task.num_outputs) == (2809, 53)
    share = Fraction(2, 5) * task.num_examples
    assert int(share) == 1123 and round(share) == 1124
    assert task.sizes(1123, None) == (1123, 1686) and task.sizes(1124, None) == (1124, 1685)
    assert task.sizes(2808, None) == (2808, 1) and task.sizes(1123, 500) == (1123, 500)
    assert ModularArithmetic(97, "divide").num_examples == 97 * 96 == len(ModularArithmetic(97, "divide").pool)


@pytest.mark.parametrize("operation", ["add", "divide"])
@pytest.mark.parametrize("train_size", [1, 40, 155])
def test_the_test_set_is_what_is_not_trained_on(operation, train_size):
    task = ModularArithmetic(13, operation)
    train, test = task.draw(4, *task.sizes(train_size, None))
    assert sorted([*train.x, *test.x]) == list(range(task.num_examples)) and len(train.x) == train_size
    fewer = task.draw(4, train_size, 1).test
    assert fewer.x[0] == test.x[-1] and fewer.y[0] == test.y[-1]


def test_a_smaller_train_set_is_the_beginning_of_a_larger_one():
    task = ModularArithmetic(13, label_noise=0.5)
    small, large = task.draw(7, 50, 119), task.draw(7, 120, 49)
    np.testing.assert_array_equal(small.train.x, large.train.x[:50])
    np.testing.assert_array_equal(small.train.y, large.train.y[:50])
    np.testing.assert_array_equal(small.test.x[-49:], large.test.x)
    other = task.draw(8, 50, 119).train
    # Two random halves of 169 rows share 50 * 50 / 169 = 14.8 on average; equal seeds would share 50.
    assert len(set(other.x) & set(small.train.x)) < 30


def test_pairs_are_drawn_uniformly():
    task = ModularArithmetic(5)
    count = np.zeros(25)
    for seed in range(1000):
        count[task.draw(seed, 10, 15).train.x] += 1
    # Binomial of 1000 and 0.4: standard deviation 15.5; measured at most 32 away.
    assert np.abs(count - 400).max() < 4.5 * 15.5


def test_operations_train_on_the_same_pairs():
    added, multiplied = (ModularArithmetic(13, name).draw(3, 60, 109) for name in ("add", "multiply"))
    np.testing.assert_array_equal(added.train.x, multiplied.train.x)
    assert (added.train.y != multiplied.train.y).any()


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_label_noise_replaces_its_share_of_train_labels_only(noise):
    p, size = 53, 2000
    clean, noisy = (ModularArithmetic(p, label_noise=q).draw(2, size, 809) for q in (0.0, noise))
    np.testing.assert_array_equal(noisy.train.x, clean.train.x)
    np.testing.assert_array_equal(noisy.test.y, clean.test.y)
    share = noise * (1 - 1 / p)  # A label drawn from all classes is the old one once in p.
    changed = noisy.train.y != clean.train.y
    assert abs(changed.mean() - share) < 4 * np.sqrt(share * (1 - share) / size)
    # Uniform over the p - 1 other shifts: chi-square with p - 2 degrees of freedom, mean 51, standard deviation 10.
    count = np.bincount((noisy.train.y - clean.train.y)[changed] % p, minlength=p)[1:]
    expected = changed.sum() / (p - 1)
    assert ((count - expected) ** 2 / expected).sum() < 51 + 5 * 10.1


def test_one_pool_serves_all_tasks_with_the_same_pairs():
    task = ModularArithmetic(13)
    assert task.pool.dtype == np.int32 and not task.pool.flags.writeable
    assert task.pool[[0, 1, 12, 13, 168]].tolist() == [[0, 0], [0, 1], [0, 12], [1, 0], [12, 12]]
    others = [ModularArithmetic(13), ModularArithmetic(13, label_noise=0.3), ModularArithmetic(np.int64(13), "x^3+xy")]
    assert all(other.pool is task.pool for other in others)
    assert others[0] == task and hash(others[0]) == hash(task) and others[1] != task
    assert ModularArithmetic(13, "divide").pool is not task.pool and ModularArithmetic(11).pool is not task.pool


def test_a_pickle_holds_the_fields_alone():
    task = ModularArithmetic(97, "divide", 0.2)
    before = task.draw(1, 100, 100).train.y
    sent = pickle.dumps(task)
    assert len(sent) < 300
    again = pickle.loads(sent)
    assert again == task and again.pool is task.pool
    np.testing.assert_array_equal(again.draw(1, 100, 100).train.y, before)


def quotient_or_difference(a, b, p):
    """The last operation of Power et al.: a / b for odd b, a - b for even b."""
    inverses = np.array([pow(int(residue), -1, p) if residue else 0 for residue in b])
    return np.where(b % 2 == 1, a * inverses, a - b) % p


def test_a_function_of_the_user_is_an_operation():
    found = all_examples(ModularArithmetic(7, quotient_or_difference))
    assert all((c * b if b % 2 else c + b) % 7 == a for (a, b), c in found.items())
    mine = ModularArithmetic(7, lambda a, b, p: (a + b) % p, 0.3).draw(5, 20, 29)
    same = ModularArithmetic(7, "add", 0.3).draw(5, 20, 29)
    np.testing.assert_array_equal(mine.train.y, same.train.y)


def test_a_spec_names_the_operation_or_refers_to_it():
    named, own = ModularArithmetic(11, "x^3+xy", 0.1), ModularArithmetic(11, quotient_or_difference)
    assert Experiment.from_json(Experiment(task=named, train_size=60).to_json()).task == named
    written = encode(own)["operation"]
    assert written == {"reference": reference(quotient_or_difference), "content": content(quotient_or_difference)}
    assert decode(encode(own), using=(quotient_or_difference,)) == own
    with pytest.raises(InputError, match="quotient_or_difference"):
        decode(encode(own))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"p": 1}, r"ModularArithmetic\.p is 1: give a whole number of at least 2\."),
        ({"p": 53.0}, r"ModularArithmetic\.p is 53\.0: give a whole number"),
        ({"p": 10_001}, r"ModularArithmetic\.p is 10001, whose 100020001 pairs are too many: give at most 10000\."),
        ({"p": 55, "operation": "divide"}, r"p is 55, but to divide takes a prime: use 53 or 59, or another operation"),
        ({"p": 4, "operation": "divide"}, r"p is 4, but to divide takes a prime: use 3 or 5,"),
        ({"operation": "power"}, r"operation is 'power': use add, subtract, .* or x\^3\+xy\^2\+y, or give a function"),
        ({"operation": ("add",)}, r"operation is \('add',\): use add,"),
        ({"label_noise": 1.5}, r"ModularArithmetic\.label_noise is 1\.5: give a finite number from 0 to 1\."),
        ({"label_noise": float("nan")}, r"ModularArithmetic\.label_noise is nan: give a finite number"),
    ],
)
def test_every_bad_field_has_its_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        ModularArithmetic(**fields)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ((25, None), r"train_size is 25, but p = 5 has 25 pairs .* give at most 24, or test_size=0"),
        ((30, 1), r"train_size is 30, but p = 5 has 25 pairs"),
        ((20, 6), r"test_size is 6, but p = 5 has 25 pairs and 20 are trained on: give at most 5, or None"),
    ],
)
def test_sizes_that_cannot_be_served_say_what_can(sizes, sentence):
    with pytest.raises(InputError, match=sentence):
        ModularArithmetic(5).sizes(*sizes)


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (lambda a, b: a, r"operation cannot be called with arrays a and b and the number p: TypeError: .* positional"),
        (lambda a, b, p: a if a > b else b, r"operation cannot be called .* ValueError: The truth value of an array"),
        (lambda a, b, p: a / p, r"operation gave float64\[25\] for 25 pairs: it must give one whole number for each\."),
        (lambda a, b, p: 0, r"operation gave int64\[\] for 25 pairs"),
        (
            lambda a, b, p: a + b,
            r"operation gave numbers from 0 to 8 for p = 5: they must lie in 0\.\.4, so take them modulo p\.",
        ),
        (lambda a, b, p: a - b, r"operation gave numbers from -4 to 4 for p = 5"),
    ],
)
def test_a_function_that_gives_no_labels_is_an_input_error(operation, sentence):
    with pytest.raises(InputError, match=rf"ModularArithmetic\.{sentence}"):
        ModularArithmetic(5, operation).draw(0, 10, 15)
