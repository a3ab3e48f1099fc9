"""The report of any sweep, as one page.

In reading order: ``layout.py`` (which axes are seeds, lines and panels, and which numbers are drawn), ``runs.py`` (what became
of the runs), ``curves.py`` and ``finals.py`` (figures and tables), ``again.py`` (the code of the sweep),
``contents.py`` (all of them in order), and ``report.py``.
"""
