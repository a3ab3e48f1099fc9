"""
Of which kind every run is
==========================

``category_map`` draws the kind of every run over two swept axes, with a strip for each seed.
"""

import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, model=mj.models.MLP(hidden=(32,)), optimizer=mj.optimizers.adam(), steps=400)
over = {"learning_rate": [3e-4, 1e-3, 3e-3, 1e-2], "train_size": [50, 80, 120, 180], "seed": range(4)}
ds = mj.sweep(experiment, over=over)

# %%
# A run has learnt all its labels, or most of them, or fewer than half. You say what the kinds are:
last = mj.analysis.last(ds.train_accuracy)
kinds = (last < 1).astype(int) + (last < 0.5)
ax = mj.plots.category_map(kinds, x="train_size", y="learning_rate", names=["all", "most", "fewer than half"])
legend = ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
