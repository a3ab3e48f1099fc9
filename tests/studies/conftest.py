"""What the test of every study asks of its folder."""

import pytest

from memjax import studies


def texts(folder):
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".json", ".md", ".html")
    }


@pytest.fixture
def made_again():
    """Make a study's folder again: every text of it is written anew, to the byte as the run had left it."""

    def check(folder, study):
        before = texts(folder)
        for name in before:
            (folder / name).write_text("lost")
        _, findings = studies.again(folder, study=study)
        assert set(before) == {
            "claims.json",
            "report.md",
            "report.html",
            *(f"{name}.csv" for name in findings.all_tables),
        }
        assert texts(folder) == before

    return check
