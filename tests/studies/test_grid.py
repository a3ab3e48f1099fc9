"""Tables over coordinates: rows in the order of the labels, one format per column, cells of every kind."""

import numpy as np
import xarray as xr

from memjax.studies.kit import Estimate, columns_of, geometric, grid, mean, share, time

COORDS = {"width": [10, 20], "rate": [0.1, 0.001], "seed": [0, 1]}
VALUES = np.arange(8.0).reshape(2, 2, 2)


def dataset():
    values = (tuple(COORDS), VALUES)
    return xr.Dataset({"loss": values, "fitted": (tuple(COORDS), VALUES > 2.0), "limit": ("width", [1.5, 2.5])}, COORDS)


def test_rows_are_all_labels_in_their_order():
    table = grid(dataset(), {"width": "W", "rate": "rate"}, {"loss": "loss"}, title="Losses", note="A note.")
    assert table.columns == ("W", "rate", "loss") and (table.title, table.note) == ("Losses", "A note.")
    assert [row[:2] for row in table.rows] == [("10", "0.1"), ("10", "0.001"), ("20", "0.1"), ("20", "0.001")]
    # Means of pairs of neighbours, half width 12.706 / 2.
    assert [row[2] for row in table.rows] == [
        "0.5 [-5.9, 6.9]",
        "2.5 [-3.9, 8.9]",
        "4.5 [-1.9, 10.9]",
        "6.5 [0.1, 12.9]",
    ]


def test_columns_hold_what_their_makers_make():
    makers = {
        "limit": lambda part: float(part["limit"]),
        "word": lambda part: f"W is {int(part['width'])}",
        "share": share("fitted"),
        "geometric": geometric("loss"),
        "given": lambda part: Estimate(3.0, 2.0, 4.0),
        "values": lambda part: part["loss"] + 1.0,
    }
    row = grid(dataset().isel(rate=[1]), {"width": "W"}, makers, title="").rows
    assert row[0][1:3] == ("1.5", "W is 10") and row[1][1:3] == ("2.5", "W is 20")


def test_a_table_without_seeds_left_is_refused_nowhere_and_shows_counts():
    lost = dataset().where(dataset()["width"] == 10)
    table = grid(lost.isel(rate=0, drop=True), {"width": "W"}, {"loss": mean("loss")}, title="")
    assert table.rows[1] == ("20", "not known in 2 of 2")


def test_times_have_the_records_around_them():
    times = xr.Dataset({"time": (("size", "seed"), [[14.0, 15.0, 16.0], [5.0, np.inf, np.nan]])}, {"size": [1, 2]})
    table = grid(times, {"size": "N"}, {"steps": time("time", [0, 10, 20])}, title="")
    assert table.rows == (("1", "15.0 [10.0, 20.0]"), ("2", "5.0 [no interval], never in 1 of 3, not known in 1 of 3"))


def test_units_stand_behind_every_number_of_their_column():
    parts = [dataset().isel(width=0, rate=0), dataset().isel(width=1, rate=1)]
    assert columns_of(parts, {"loss": "loss"}, {"loss": "%"}) == [["0.5 [-5.9, 6.9]%", "6.5 [0.1, 12.9]%"]]
