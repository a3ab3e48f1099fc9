"""What the first figure of a notebook sets up must outlive the style it is drawn in."""

from io import BytesIO

import matplotlib
from IPython.core.formatters import PNGFormatter
from matplotlib.image import imread

import memjax.plots as plots


def test_a_switch_to_interactive_drawing_inside_the_style_is_kept():
    before = matplotlib.is_interactive()
    size = matplotlib.rcParams["font.size"]
    try:
        with plots.style():
            assert matplotlib.rcParams["font.size"] != size
            matplotlib.interactive(not before)
        assert matplotlib.is_interactive() is not before
        assert matplotlib.rcParams["font.size"] == size
    finally:
        matplotlib.interactive(before)


def test_a_notebook_shows_panels_before_pyplot_has_drawn_anything():
    figure, (_, right) = plots.panels(1, 2, width=3.0, height=2.0)
    right.plot([0, 1], [0, 1])
    # A formatter that knows of no figures, as in a fresh kernel.
    picture = imread(BytesIO(PNGFormatter()(figure)))
    assert picture.shape[:2] == (200, 600)
    white = (picture[..., :3] == 1).all(axis=2)
    line = [(~white[:, middle - 100 : middle + 100]).mean() for middle in (150, 450)]
    assert line[1] > line[0] > 0
