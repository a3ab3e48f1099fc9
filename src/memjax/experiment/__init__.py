"""The request: an experiment, the axes it is swept over, both as JSON, and the rules that they obey.

In reading order: ``experiment.py`` (the fields of one run), ``start.py`` (parameters to start from), ``axes.py`` and
``labels.py`` (what is swept, and what it is called), ``rules.py`` and ``draw.py`` (whether a run is possible, and its
examples), ``draw_contract.py`` (whether a user's draw keeps its promises), ``encode.py``, ``decode.py`` and ``read.py``
(plain data and back), ``written.py`` and ``identity.py`` (a request as stores and Datasets keep it, and when two are the same).
"""

from memjax.experiment.experiment import Experiment

__all__ = ["Experiment"]
