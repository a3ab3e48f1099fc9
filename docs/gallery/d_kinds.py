"""
Of which kind every run is
==========================

``category_map`` draws the kind of every run over two swept axes, with a strip for each seed.
"""

import xarray as xr

import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, model=mj.models.MLP(hidden=(32,)), optimizer=mj.optimizers.adam(), steps=400)
over = {"learning_rate": [1e-4, 1e-3, 1e-2, 1e-1], "train_size": [25, 50, 100, 200], "seed": range(4)}
ds = mj.sweep(experiment, over=over)

# %%
# A run has learnt all its labels, or most of them, or fewer than half. You say what the kinds are:
last = mj.analysis.last(ds.train_accuracy)
kinds = xr.where(last == 1, 0, xr.where(last > 0.5, 1, 2))
ax = mj.plots.category_map(kinds, x="train_size", y="learning_rate", names=["all", "most", "fewer than half"])
legend = ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
