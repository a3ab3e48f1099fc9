"""What the first figure of a notebook sets up must outlive the style it is drawn in."""

import matplotlib
from matplotlib import pyplot as plt

import memjax.plots as plots
from memjax.studies.kit.folder import write_findings
from memjax.studies.kit.study import Figure, Findings


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


def test_panels_are_figures_that_a_notebook_and_a_script_show():
    figure, _ = plots.panels(1, 2)
    assert plt.get_fignums() == [figure.number]


def test_a_study_leaves_no_figure_open(tmp_path):
    def draw():
        figure, axes = plots.panels()
        axes[0].plot([1.0, 2.0])
        return figure

    findings = Findings((), tables={}, figures={"one": Figure(draw, "A line.")})
    write_findings(tmp_path, findings)
    assert (tmp_path / "one.png").exists() and not plt.get_fignums()
