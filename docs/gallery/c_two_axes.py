"""
Curves, panels and a map over two swept axes
============================================

``curves`` draws one curve per value of a second axis, ``small_multiples`` one panel, and ``phase_diagram`` a map of both axes.
"""

import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, steps=400)
over = {"hidden": [(8,), (16,), (32,), (64,)], "train_size": [25, 50, 100, 200, 400], "seed": range(4)}
ds = mj.sweep(experiment, over=over)
accuracy = mj.analysis.last(ds.train_accuracy)

# %%
# The share of labels that a network has learnt by heart, against the number of labels. A band of an accuracy ends at 0 and 1.
ax = mj.plots.curves(accuracy, by="hidden", name="train accuracy at the end")

# %%
# One panel for each width, with all seeds:
axes = mj.plots.small_multiples(
    lambda panel, ax: mj.plots.curve(panel, ax=ax, name="train accuracy"), accuracy, by="hidden"
)

# %%
# The map has a line between the cells that learnt at least nine tenths of the labels and the other cells.
ax = mj.plots.phase_diagram(accuracy, x="train_size", y="hidden", contour=0.9, name="train accuracy at the end")

# %%
# Some runs never get there. The map of times takes the median, and hatches the cells in which half of the runs or more never
# arrive.
time = mj.analysis.time_to_threshold(ds.train_accuracy, 0.9).time
ax = mj.plots.phase_diagram(time, x="train_size", y="hidden", name="steps to 90% train accuracy")
