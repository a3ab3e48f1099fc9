"""
A map over two swept axes
=========================

``phase_diagram`` draws the mean over seeds as a map. It shows which share of the runs never got there.
"""

# sphinx_gallery_thumbnail_number = 2
import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, steps=400)
over = {
    "hidden": [(8,), (16,), (24,), (32,)],
    "train_size": [10, 20, 40, 80, 160],
    "seed": range(6),
}
ds = mj.sweep(experiment, over=over)

# %%
# The share of labels that a network has learnt by heart. The line runs between the cells that learnt at least nine tenths of
# their labels and the other cells.
accuracy = mj.analysis.last(ds.train_accuracy)
name = "train accuracy at the end"
ax = mj.plots.phase_diagram(accuracy, "train_size", "hidden", contour=0.9, name=name)

# %%
# The step at which a run has learnt nine tenths of its labels. Some runs never do: a white dot says which share of a cell's
# runs, and a cell without any run that got there is grey.
time = mj.analysis.time_to_threshold(ds.train_accuracy, 0.9).time
name = "steps to 90% train accuracy"
ax = mj.plots.phase_diagram(time, "train_size", "hidden", name=name)
