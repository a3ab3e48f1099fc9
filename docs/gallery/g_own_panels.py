"""
A figure of your own
====================

``panels`` makes a figure with panels in the look of memjax, ``mean`` draws one line with its interval, and ``style`` gives the
same look to what you draw by matplotlib.
"""

import memjax as mj

experiment = mj.Experiment(
    task=mj.tasks.TeacherStudent(), loss="mse", model=mj.models.MLP(hidden=(32,)), test_size=200, steps=400
)
ds = mj.sweep(experiment, over={"train_size": [20, 40, 80, 160, 320], "seed": range(4)})

# %%
# Two lines in one panel, and matplotlib's own points in the other:
figure, (left, right) = mj.plots.panels(1, 2)
for split in ("train", "test"):
    mj.plots.mean(mj.analysis.last(ds[f"{split}_loss"]), ax=left, label=split)
left.set(xlabel="train examples", ylabel="loss at the end")
mj.plots.plain_ticks(mj.plots.plain_ticks(left, "x"), "y")
left.legend()
with mj.plots.style():
    for size in ds.train_size:
        runs = ds.sel(train_size=size)
        right.plot(
            mj.analysis.last(runs.weight_l2), mj.analysis.last(runs.test_loss), "o", label=f"{int(size)} examples"
        )
    right.set(xlabel="L2 norm at the end", ylabel="test loss at the end", yscale="log")
    figure.legend(*right.get_legend_handles_labels(), loc="outside right upper")
