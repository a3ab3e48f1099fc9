"""
A recorded quantity against the step
====================================

``trajectories`` draws one line for each swept value: the mean over seeds with its interval.
"""

import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, model=mj.models.MLP(hidden=(32,)), steps=600)
ds = mj.sweep(experiment, over={"train_size": [25, 50, 100, 200, 400], "seed": range(4)})

# %%
# The norm of the weights while networks learn random labels:
ax = mj.plots.trajectories(ds.weight_l2)

# %%
# The loss on logarithmic axes. ``plain_ticks`` writes 0.1 and 1 in place of powers of ten.
ax = mj.plots.trajectories(ds.train_loss.sel(step=slice(10, None)))
ax = mj.plots.plain_ticks(mj.plots.plain_ticks(ax, "x"), "y")
