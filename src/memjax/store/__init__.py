"""The store: a folder of immutable files without code, from which a sweep resumes and a Dataset is read.

In reading order: ``files.py`` and ``npz.py`` (bytes), ``manifest.py``, ``manifest_reader.py`` and ``part.py`` (the files of
a store), ``stored_block.py``, ``folder.py`` and ``lock.py`` (the folder, and its lock), ``axes.py``, ``request.py``,
``more_steps.py`` and ``missing.py`` (a call, and the steps and runs that the store lacks), ``writer.py``, ``read.py`` and
``provenance.py`` (results written and read, and the versions that made them), ``resume.py`` and ``open.py`` (the public
verbs).
"""
