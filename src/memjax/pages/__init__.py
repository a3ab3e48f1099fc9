"""Pages that memjax writes.

``blocks.py`` and ``table.py`` say what a page contains; ``html.py``, ``markdown.py`` and ``text.py`` write it out.
"""
