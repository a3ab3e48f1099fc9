"""How does L2 relate to test loss, and does warmup help when gradients conflict? The open questions of the L2 post."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from memjax.experiment import Experiment
from memjax.measures import batch_gradient_cosine
from memjax.models import MLP
from memjax.optimizers import adam
from memjax.schedules import warmup
from memjax.studies.kit import Study, Sweep
from memjax.studies.l2_test_loss.claims import analyse
from memjax.studies.l2_test_loss.numbers import CLASSES, DIM, TEST_SIZE, linear_teacher
from memjax.tasks import RandomLabels

__all__ = ["STUDY"]

_HIDDEN = {"quick": (50, 50), "paper": (100, 100)}
_SIZES = {"quick": tuple(100 * 2**i for i in range(6)), "paper": tuple(50 * 2**i for i in range(10))}
# At alpha = 0 the power law is the post's uniform one, so both are one sweep.
_ALPHAS = (0.0, 1.5)
_WARMUPS = {"quick": (0, 100, 400), "paper": (0, 50, 100, 200, 400)}
_PEAKS = {"quick": (1e-3, 1e-2), "paper": (3e-4, 1e-3, 3e-3, 1e-2)}
_WARM_SIZES = {"quick": (100, 400, 1600), "paper": (100, 400, 1600, 6400)}


def _sweeps(scale: str, seeds: int) -> Mapping[str, Sweep]:
    sizes, some = _SIZES[scale], tuple(range(seeds))
    lengths, peaks, few = _WARMUPS[scale], _PEAKS[scale], _WARM_SIZES[scale]
    random = Experiment(
        task=RandomLabels(input_dim=DIM, num_classes=CLASSES, inputs="normal", labels="power", alpha=0.0),
        model=MLP(hidden=_HIDDEN[scale], activation="relu", initializer="torch"),
        optimizer=adam(1e-3),
        loss="cross_entropy",
        steps=1000,
        record_every=20,
        test_size=TEST_SIZE,
        measures=("loss", "weight_l2"),
    )
    warm = replace(
        random,
        optimizer=adam(warmup(peak=1e-3, warmup_steps=0)),
        record_every=50,
        measures=("loss", "weight_l2", "gradient_cosine", batch_gradient_cosine(25)),
    )
    learnable = replace(random, task=linear_teacher(2 * sizes[-1]))
    return {
        "random": Sweep(random, {"alpha": _ALPHAS, "train_size": sizes, "seed": some}),
        "teacher": Sweep(learnable, {"train_size": sizes, "seed": some}),
        "warmup": Sweep(warm, {"warmup_steps": lengths, "peak": peaks, "train_size": few, "seed": some}),
    }


STUDY = Study(
    name="l2-test-loss",
    title="How does L2 relate to test loss, and does warmup help when gradients conflict?",
    question="Is the test loss higher where the L2 norm is larger, and does a warmup of the learning rate help where the "
    "gradients of examples conflict?",
    source='open questions of Ziming Liu, "How does memorization affect l2?" (blog post)',
    papers={
        "Liu 2026, How does memorization affect l2?": "https://kindxiaoming.github.io/blog/2026/memorization-l2/",
    },
    scales={
        "quick": "9-50-50-17, train sizes 100 to 3200; warmups of 0, 100 and 400 steps at two rates and three sizes: about "
        "a minute on 2 cores",
        "paper": "the network of Liu's post, 9-100-100-17, train sizes 50 to 25600; five warmups at four rates and "
        "four sizes: about 2 hours on 2 cores (estimated)",
    },
    seeds={"quick": 8, "paper": 8},
    sweeps=_sweeps,
    analyse=analyse,
)
"""The post asks how L2 relates to test loss and whether warmup helps against conflicting gradients; it answers neither."""
