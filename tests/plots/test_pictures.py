"""Pictures of examples: the pixels, the captions, and one scale of grey for all of them."""

import numpy as np
import pytest
import xarray as xr

from memjax import plots

ROWS = np.arange(5 * 6, dtype=float).reshape(5, 6)


def test_rows_become_pictures_with_their_captions_in_order():
    scores = xr.DataArray([0.12345, 1.0, -2.0, 1e-5, 7.0], dims="example")
    axes = plots.pictures(ROWS, above=["a", 3, 0.5, "b", "c"], below=scores, shape=(2, 3), columns=3)
    for ax, row in zip(axes, ROWS, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), row.reshape(2, 3))
        assert ax.images[0].get_clim() == (0.0, 29.0)
    assert [ax.get_xlabel() for ax in axes] == ["0.123", "1", "-2", "1e-05", "7"]
    assert [ax.get_title() for ax in axes] == ["a", "3", "0.5", "b", "c"]
    left, hidden = {round(ax.get_position().x0, 3) for ax in axes}, axes[0].figure.axes[5:]
    assert len(left) == 3 and [ax.get_visible() for ax in hidden] == [False]


def test_colours_and_limits():
    colours = np.random.default_rng(0).random((2, 4, 4, 3))
    (one, _) = plots.pictures(xr.DataArray(colours, dims=("example", "y", "x", "rgb")))
    np.testing.assert_array_equal(one.images[0].get_array(), colours[0])
    assert plots.pictures(ROWS.reshape(5, 2, 3), limits=(0.0, 99.0))[0].images[0].get_clim() == (0.0, 99.0)


@pytest.mark.parametrize(
    ("images", "options", "sentence"),
    [
        (ROWS, {}, r"images has the shape \[5, 6\]; .* Rows of numbers need shape"),
        (ROWS, {"shape": (2, 2)}, r"images has the shape \[5, 6\] and shape = \(2, 2\)"),
        (ROWS[:0].reshape(0, 2, 3), {}, r"images has the shape \[0, 2, 3\]"),
        (ROWS.reshape(5, 2, 3), {"below": [1.0]}, "below has 1 entries for 5 pictures"),
        (ROWS.reshape(5, 2, 3), {"columns": 0}, "columns = 0 must be a positive"),
    ],
)
def test_errors(images, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        plots.pictures(images, **options)
