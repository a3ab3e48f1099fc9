"""
Memorised examples and attacks
==============================

``pictures`` draws examples in a grid, and ``roc`` how many members of the train set an attack finds.
"""

import numpy as np
import xarray as xr

import memjax as mj

task = mj.tasks.Images("digits", label_noise=0.1)
log_odds = mj.measures.by_example("log_odds")
digits = mj.Experiment(
    task=task,
    train_size=600,
    subset=mj.subsets.BalancedHalves(),
    data_seed=0,
    model=mj.models.MLP(hidden=(32,)),
    optimizer=mj.optimizers.adam(0.01),
    batch_size=60,
    steps=500,
    record_every=500,
    examples=("correct", log_odds),
)
bank = mj.sweep(digits, over={"seed": range(64)}).isel(example_step=-1)

# %%
# Each of 64 networks is trained on a random half of 600 digits. The memorisation score of a digit says how much more often
# networks that were trained on it give its label. Some labels are wrong on purpose, and these are memorised most. Above a
# picture stands the label, with the true one in brackets, and below the score.
score = mj.analysis.memorization(bank.example_correct, bank.train_count).memorization
most = score.values.argsort()[::-1][:16]
row = mj.rows(bank).isel(seed=0, example=most)
given = [f"{int(label)} ({int(true)})" for label, true in zip(row.target, row.clean_target, strict=True)]
axes = mj.plots.pictures(task.pool[row.example.values], above=given, below=score.values[most])

# %%
# Two attacks guess from the log-odds of a digit whether a network was trained on it.
attacks = ["threshold", "lira"]
scores = [mj.analysis.membership(bank.example_log_odds, bank.train_count, attack=name) for name in attacks]
found = mj.analysis.roc(
    xr.concat(scores, xr.Variable("attack", attacks)), bank.train_count, fpr=np.geomspace(1e-3, 1, 31)
)
ax = mj.plots.roc(found, by="attack")
