"""What the first figure of a notebook sets up must outlive the style it is drawn in."""

import matplotlib

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
