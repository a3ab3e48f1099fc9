"""Tokens into models of quantities, and what is no token of theirs into models of tokens: refused before training."""

import flax.linen as nn
import numpy as np
import pytest

from memjax import Experiment, InputError
from memjax.engine.program.output_shapes import check_functions
from memjax.experiment.rules import check_run
from memjax.models import MLP, Autoencoder, EmbeddingMLP, QuadraticMLP, Transformer
from memjax.tasks import ModularArithmetic, from_arrays
from memjax.types import Data, Split

PAIRS = np.stack(np.divmod(np.arange(49), 7), 1)
LABELS = PAIRS.sum(1) % 7
ADD = ModularArithmetic(p=7)


class Words:
    """A task of ones own whose inputs are tokens."""

    num_outputs, num_tokens = 2, 12

    def draw(self, seed, train_size, test_size):
        parts = (Data(np.full((n, 2), 11), np.zeros(n, int)) for n in (train_size, test_size))
        return Split(*parts)


class Counts(Words):
    """The same numbers as quantities."""

    num_tokens = None


def _arrays(x):
    return from_arrays(x, LABELS)


def _check(task, model):
    spec = Experiment(task=task, model=model, train_size=20)
    check_run(spec)
    x = task.draw(0, 20, 20).train.x
    pool = getattr(task, "pool", None)
    check_functions(spec, (x if pool is None else pool[x])[:2], np.zeros(2, np.int32))


REFUSED = {
    "tokens as quantities": (
        ADD,
        MLP(),
        r"ModularArithmetic are 7 tokens, whose numbers are names, and MLP would take them",
    ),
    "tokens as features": (ADD, Autoencoder(), r"7 tokens.* Autoencoder would .* use memjax\.models\.EmbeddingMLP"),
    "tokens of ones own": (Words(), MLP(), r"The inputs of Words are 12 tokens"),
    "too few": (
        ADD,
        EmbeddingMLP(num_tokens=5),
        r"from 0 to 6, but EmbeddingMLP has those from 0 to 4: .* num_tokens=7",
    ),
    "as many as outputs": (Words(), EmbeddingMLP(), r"from 0 to 11, but EmbeddingMLP has those from 0 to 1"),
    "from one on": (
        _arrays(PAIRS + 1),
        Transformer(),
        r"tokens from 1 to 7, but Transformer has those from 0 to 6: number",
    ),
    "negative": (_arrays(PAIRS - 1), QuadraticMLP(), r"tokens from -1 to 5, but QuadraticMLP has those from 0 to 6"),
    "floats": (
        _arrays(PAIRS / 1.0),
        EmbeddingMLP(),
        r"EmbeddingMLP takes pairs of tokens, .* but the inputs are float32\[2, 2\]",
    ),
    "four": (
        _arrays(np.tile(PAIRS, 2)),
        Transformer(),
        r"Transformer takes pairs of tokens, .* but the inputs are int32\[2, 4\]",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_inputs_that_a_model_takes_for_something_else_are_refused(case):
    task, model, sentence = REFUSED[case]
    with pytest.raises(InputError, match=sentence):
        _check(task, model)


TAKEN = {
    "a token more": (ADD, EmbeddingMLP(num_tokens=8)),
    "pairs from arrays": (_arrays(PAIRS), Transformer()),
    "whole numbers as quantities": (_arrays(PAIRS), MLP()),
    "a task of ones own without tokens": (Counts(), MLP()),
    "a model of ones own": (ADD, nn.Sequential([nn.Embed(7, 3), lambda h: h.reshape(len(h), -1), nn.Dense(7)])),
}


@pytest.mark.parametrize("case", TAKEN)
def test_inputs_that_fit_are_taken(case):
    _check(*TAKEN[case])
