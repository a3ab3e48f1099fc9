"""Results: one labelled Dataset from the results of blocks, its files, and its snapshots as parameter trees and networks.

In reading order: ``schema.py`` (names and attributes), ``assemble.py``, ``examples.py`` and ``parameters.py`` (the Dataset from
blocks),
``carried.py`` (the user's objects), ``runs.py``, ``forward.py``, ``snapshots.py`` and ``batches.py`` (networks of a Dataset,
alone and in batches), ``aligned.py`` (values per network), ``files.py`` and ``summary.py``.
"""
