"""The store: a folder of immutable files from which a sweep resumes and a Dataset is read, with no code in it.

In reading order: ``files.py`` and ``npz.py`` (bytes), ``manifest.py``, ``manifest_reader.py`` and ``part.py`` (the files of a
store), ``folder.py`` and ``lock.py`` (all files together, and who uses them), ``axes.py``, ``request.py`` and ``missing.py``
(what a call asks for, and what the store lacks of that), ``writer.py``, ``read.py`` and ``makers.py`` (what blocks leave,
written and read), ``resume.py`` and ``open.py`` (the verbs of a store).
"""
