"""
Curves, panels and bars over two swept axes
===========================================

``curves`` draws one curve per value of a second axis, ``small_multiples`` one panel, and ``bars`` a bar for every pair
of values.
"""

import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, steps=400)
over = {
    "hidden": [(8,), (16,), (32,), (64,)],
    "train_size": [25, 50, 100, 200, 400],
    "seed": range(4),
}
ds = mj.sweep(experiment, over=over)
accuracy = mj.analysis.last(ds.train_accuracy)

# %%
# The share of labels that a network has learnt by heart, against the number of labels. A band of an accuracy ends at 0 and 1.
ax = mj.plots.curves(accuracy, by="hidden", name="train accuracy at the end")


# %%
# One panel for each width, with all seeds:
def draw(panel, ax):
    """Draw the curve of one width."""
    mj.plots.curve(panel, ax=ax, name="train accuracy")


axes = mj.plots.small_multiples(draw, accuracy, by="hidden")

# %%
# Bars, with a colour for each number of labels:
few = accuracy.sel(train_size=[50, 200])
ax = mj.plots.bars(few, "hidden", by="train_size", name="train accuracy at the end")
