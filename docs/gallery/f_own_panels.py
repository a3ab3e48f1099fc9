"""
A figure of your own
====================

``panels`` makes a figure with panels in the look of memjax, ``mean`` draws one line with its interval, and ``style`` gives the same look to
what you draw by matplotlib.
"""

import memjax as mj

experiment = mj.Experiment(
    task=mj.tasks.TeacherStudent(), loss="mse", model=mj.models.MLP(hidden=(32,)), test_size=200, steps=400
)
ds = mj.sweep(experiment, over={"train_size": [20, 40, 80, 160, 320], "seed": range(4)})

# %%
# Two lines in one panel, and matplotlib's own histogram in the other:
figure, (left, right) = mj.plots.panels(1, 2)
for split in ("train", "test"):
    mj.plots.mean(mj.analysis.last(ds[f"{split}_loss"]), ax=left, label=split)
left.set(xlabel="train examples", ylabel="loss at the end", xscale="log", yscale="log")
left.legend()
with mj.plots.style():
    right.hist(mj.analysis.gap(ds.weight_l2).values.ravel(), bins=8)
    right.set(xlabel="growth of the L2 norm", ylabel="runs")
