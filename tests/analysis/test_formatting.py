import math

import pytest

from memjax.analysis import format_interval


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (40.47, (39.61, 41.33), "40.47 [39.61, 41.33]"),
        (0.27, (-0.001, 0.541), "0.27 [0.00, 0.54]"),
        (25600.0, (12000.0, 40000.0), "25600 [12000, 40000]"),
        (6.5, (-math.inf, math.inf), "6.50 [-inf, inf]"),
        (2.0, (2.0, 2.0), "2.00 [2.00, 2.00]"),
        (1.0, (1.0 - 1e-13, 1.0 + 1e-13), "1.00000 [1.00000, 1.00000]"),
        (0.0, (0.0, 0.036), "0.000 [0.000, 0.036]"),
        (1.2345e-30, (1.2e-30, 1.3e-30), "1.234e-30 [1.200e-30, 1.300e-30]"),
        (5e-324, (5e-324, 5e-324), "4.94e-324 [4.94e-324, 4.94e-324]"),
        (6.5e12, (-math.inf, 7.5e12), "6.50e12 [-inf, 7.50e12]"),
        (0.0003, (0.0001, 0.0005), "0.00030 [0.00010, 0.00050]"),
        (math.nan, (math.nan, math.nan), "nan [no interval]"),
    ],
)
def test_text(value, interval, text):
    assert format_interval(value, interval) == text
