"""A scraper for the gallery: figures that do not belong to pyplot, such as those of `memjax.plots.panels`."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scrape(block: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
    """Save the figure that a block of an example has just made under the name ``figure``, and show it.

    sphinx-gallery saves the figures of pyplot by itself; closing a figure takes it from the other blocks.
    """
    made = variables["example_globals"].pop("figure", None)
    if not isinstance(made, Figure) or made in map(plt.figure, plt.get_fignums()):
        return ""
    path = next(variables["image_path_iterator"])
    made.savefig(path, dpi=150)
    return figure_rst([path], settings["src_dir"])
