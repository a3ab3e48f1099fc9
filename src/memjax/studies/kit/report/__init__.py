"""Reports: `content.py` says what a report contains; `html.py`, `markdown.py` and `text.py` write it out."""
