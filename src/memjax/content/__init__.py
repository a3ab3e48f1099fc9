"""The content of an object as one digest: code, constants, captured values and arrays, but no names and no addresses."""

from memjax.content.captured import captured
from memjax.content.digest import PYTHON, Unreadable, content, same, try_content

__all__ = ["PYTHON", "Unreadable", "captured", "content", "same", "try_content"]
