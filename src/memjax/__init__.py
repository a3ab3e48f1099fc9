"""memjax: vectorised sweeps of small networks, for research on memorisation and generalisation."""

from importlib.metadata import version as _version

from memjax import (
    analysis,
    losses,
    measures,
    models,
    optimizers,
    penalties,
    plots,
    privacy,
    schedules,
    stopping,
    subsets,
    tasks,
)
from memjax.engine.plan.packing import Packing
from memjax.errors import InputError
from memjax.examples import Examples, Tile
from memjax.experiment import Experiment
from memjax.experiment.record_times import spaced
from memjax.experiment.start import Start
from memjax.explain import explain
from memjax.explanation import Explanation
from memjax.fields import traced
from memjax.jax_settings import enable_compile_cache
from memjax.measure import measure
from memjax.measures import Measure
from memjax.report.report import report
from memjax.results.best import best
from memjax.results.files import save
from memjax.results.parameters import params
from memjax.results.rows import rows
from memjax.results.snapshots import Snapshot, snapshots
from memjax.results.table import table
from memjax.store.open import open_dataset as open
from memjax.sweep import sweep

__version__ = _version("memjax")

__all__ = [
    "Examples",
    "Experiment",
    "Explanation",
    "InputError",
    "Measure",
    "Packing",
    "Snapshot",
    "Start",
    "Tile",
    "analysis",
    "best",
    "enable_compile_cache",
    "explain",
    "losses",
    "measure",
    "measures",
    "models",
    "open",
    "optimizers",
    "params",
    "penalties",
    "plots",
    "privacy",
    "report",
    "rows",
    "save",
    "schedules",
    "snapshots",
    "spaced",
    "stopping",
    "subsets",
    "sweep",
    "table",
    "tasks",
    "traced",
]
