"""
A curve over a swept axis, with a fit
=====================================

``curve`` draws the mean over seeds with its interval, and every seed as a faint point. ``fit`` adds a fitted law, with its
parameters in the legend, and ``level`` a dotted line.
"""

# sphinx_gallery_thumbnail_number = 2
import memjax as mj

task = mj.tasks.RandomLabels(input_dim=9, num_classes=17)
experiment = mj.Experiment(task=task, model=mj.models.MLP(hidden=(32,)), steps=1500)
ds = mj.sweep(experiment, over={"train_size": [10, 20, 40, 80, 160, 320, 640], "seed": range(4)})
gap = mj.analysis.gap(ds.weight_l2)

# %%
# How much the norm of the weights has grown at the end, for each train size:
ax = mj.plots.curve(gap)

# %%
# The same with a law that fits the smaller sizes, and a level to compare with:
ax = mj.plots.curve(gap)
ax = mj.plots.fit(mj.analysis.fit(gap.sel(train_size=slice(10, 80)), "offset power law"), ax=ax)
ax = mj.plots.level(ax, float(gap.max()), "largest of all runs")

# %%
# The parameters of a fit may hang together. ``ridge`` shows how far exponent and offset can move together before the fit gets
# clearly worse.
profile = mj.analysis.profile(gap.sel(train_size=slice(10, 80)), "offset power law", "exponent")
ax = mj.plots.ridge(profile, "offset")
