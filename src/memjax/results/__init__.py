"""Results: one labelled Dataset, saved and opened without pickle."""

from memjax.results.files import open_dataset, save
from memjax.results.parameters import params
from memjax.results.summary import summary

__all__ = ["open_dataset", "params", "save", "summary"]
