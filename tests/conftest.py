"""Shared by all tests: no display, no compile cache of the user's, one BLAS thread each, and the same free memory."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# Two workers with two BLAS threads each wait for one another on two cores: a rank test took 20 s instead of 1 s.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def pytest_configure():
    """Keep compiled programs in the folder that MEMJAX_TEST_CACHE names, if it does: what ran before runs much faster."""
    if folder := os.environ.get("MEMJAX_TEST_CACHE"):
        from memjax import enable_compile_cache

        enable_compile_cache(folder)


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures that a test leaves open: matplotlib warns of twenty."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


# Examples in docstrings that train for seconds, of functions that the fast tests use everywhere.
TRAINING_EXAMPLES = {
    "memjax.engine.training.train_runs.train_runs",
    "memjax.experiment.start.Start",
    "memjax.losses.large_margin.LargeMargin",
    "memjax.measure.measure",
    "memjax.measures.attributions.attribution.gradient_dot",
    "memjax.measures.attributions.attribution.influence_functions",
    "memjax.measures.attributions.attribution.trak",
    "memjax.measures.on_snapshots.class_sensitivity.class_sensitivity",
    "memjax.measures.on_snapshots.critical_samples.critical_sample_ratio",
    "memjax.measures.on_snapshots.gradient_noise.gradient_noise",
    "memjax.measures.on_snapshots.hidden_layers.dimensionality",
    "memjax.measures.on_snapshots.input_jacobian.input_jacobian",
    "memjax.measures.on_snapshots.input_jacobian.jacobians",
    "memjax.measures.on_snapshots.iterated_maps.iterate",
    "memjax.measures.on_snapshots.iterated_maps.iterated_maps",
    "memjax.measures.on_snapshots.margins.margins",
    "memjax.measures.on_snapshots.modular_fourier.modular_fourier",
    "memjax.measures.on_snapshots.norm_complexity.norm_complexity",
    "memjax.measures.on_snapshots.pac_bayes.pac_bayes",
    "memjax.measures.recorded.curvature.top_eigenvalue",
    "memjax.models.dropout.kept",
    "memjax.models.embedding_mlp.EmbeddingMLP",
    "memjax.models.linen.Linen",
    "memjax.models.noisy_inputs.Augmented",
    "memjax.models.noisy_inputs.InputNoise",
    "memjax.models.transformer.Transformer",
    "memjax.report.report.report",
    "memjax.results.best.best",
    "memjax.results.files.save",
    "memjax.results.parameters.params",
    "memjax.results.rows.rows",
    "memjax.results.snapshots.Snapshot",
    "memjax.results.snapshots.snapshots",
    "memjax.results.summary.summary",
    "memjax.results.table.table",
    "memjax.stopping.best.Lowest",
    "memjax.stopping.conditions.AtLeast",
    "memjax.store.open.open_dataset",
    "memjax.studies.kit.run.again",
    "memjax.studies.kit.run.run",
    "memjax.sweep.sweep",
    "memjax.tasks.random_labels.RandomLabels.fresh",
    "memjax.tasks.sparse_parity.SparseParity.fresh",
}


HERE = Path(__file__).parent


def slow_cases():
    """Ids of the cases that ``slow_cases.txt`` leaves to `make slow`."""
    lines = (HERE / "slow_cases.txt").read_text().splitlines()
    return {f"tests/{line}" for line in lines if not line.startswith("#")}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave to `make slow` the examples that train, and the cases that take seconds."""
    waiting = slow_cases()
    for item in items:
        if item.name in TRAINING_EXAMPLES or item.nodeid in waiting:
            item.add_marker(pytest.mark.slow)
    files = {item.nodeid.partition("::")[0] for item in items}
    gone = sorted(case for case in waiting - {item.nodeid for item in items} if case.partition("::")[0] in files)
    if gone and not any("::" in argument for argument in config.args):
        raise pytest.UsageError(f"tests/slow_cases.txt names {gone[0]}, which is no test any more: mend that line.")


@pytest.fixture(scope="session", autouse=True)
def free_memory():
    """Say that 8 GB are free: how a sweep is packed must not depend on what else runs on this machine."""
    from memjax.engine.plan import budget

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "_available", lambda path: 8 * 2**30)
        patch.setattr(budget, "_cgroup_free", lambda root: ())
        yield
