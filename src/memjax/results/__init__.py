"""Results: one labelled Dataset from what blocks left, in memory and in files, with its snapshots as trees and networks.

In reading order: ``schema.py`` (names and attributes), ``assemble.py`` and ``parameters.py`` (the Dataset from blocks),
``carried.py`` (objects beside it), ``snapshots.py`` and ``aligned.py`` (networks of a Dataset, and values of them),
``files.py`` and ``summary.py``.
"""
