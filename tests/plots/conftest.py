import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _leave_nothing_behind():
    from matplotlib import pyplot as plt

    with matplotlib.rc_context():
        yield
    plt.close("all")
