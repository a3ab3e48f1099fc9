"""
One run
=======

``base_run`` draws the loss, the accuracy and the L2 norm of one run, or of the mean over its seeds.
"""

import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, model=mj.models.MLP(hidden=(64,)), train_size=100, test_size=80, steps=600)
ds = mj.sweep(experiment, over={"seed": range(4)})

# %%
# The labels have nothing to do with the inputs. The network learns the labels of its 100 train examples by heart. On other
# examples it stays as bad as a guess.
axes = mj.plots.base_run(ds)

# %%
# One seed is a run, and has lines without bands.
axes = mj.plots.base_run(ds.isel(seed=0))
