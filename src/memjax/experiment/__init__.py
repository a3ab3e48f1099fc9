"""The request: an experiment, the axes of a sweep, their rules, and both as JSON.

In reading order: ``experiment.py`` (the fields of one run), ``start.py`` (parameters to start from), ``axes.py`` and
``labels.py`` (swept values and their labels), ``record_times.py`` (when records are taken), ``rules.py`` and
``fitting.py`` (fields that must agree), ``rows.py``, ``splits.py``, ``draw.py`` and ``draw_contract.py`` (which rows a
run trains on, further splits, the examples of a run, and the contract of a user's draw), ``encode.py``, ``decode.py``
and ``read.py`` (to plain data and back), ``own.py``, ``source.py``, ``written_out.py`` and ``display.py`` (an experiment
as Python code and for people to read), ``written.py`` and ``identity.py`` (a request as stores and Datasets keep it, and
whether two requests are the same).
"""

from memjax.experiment.experiment import Experiment

__all__ = ["Experiment"]
