"""The ratios of the README are those of the committed results."""

from pathlib import Path

from benchmarks import readme_ratios


def test_the_table_of_the_readme_is_made_from_the_committed_results():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"\n{readme_ratios.table()}\n" in readme, "run: python -m benchmarks.readme_ratios"


def test_a_ratio_is_the_peers_time_over_ours():
    seconds = {"devinterp": 555.7, "memjax": 8.794}  # llc.json, scaled to 50 snapshots
    assert readme_ratios.table().endswith(f"| {seconds['devinterp'] / seconds['memjax']:.0f} |")
