"""Curves of membership attacks: the share of members that are found against the share of false alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from memjax.checks.labelled import positions, require_array, require_dim, require_only_dims
from memjax.plots.axes import axes_or_new, fit_legend, label_of, set_labels, set_plain_ticks, text_of
from memjax.plots.lines import colors_of
from memjax.plots.styles import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["roc"]


@style()
def roc(found: xr.Dataset, by: str | None = None, ax: Axes | None = None, *, log: bool = True) -> Axes:
    """Draw true positive rates against false positive rates, with their intervals and the diagonal of chance.

    Parameters
    ----------
    found
        A result of `memjax.analysis.roc` at many false positive rates, such as ``fpr=np.geomspace(1e-3, 1.0, 31)``: ``tpr``
        ``(by, fpr)``, and ``tpr_interval`` ``(by, fpr, bound)``, which may be missing and is drawn as a band.
    by
        Dimension of the curves, such as that of the attacks. Numbers are coloured in order, and anything else by a colour-blind
        safe set.
    ax
        Where to draw; a new figure by default.
    log
        Whether both axes are logarithmic, which shows the rates at few false alarms. A rate of 0 is then left out.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on. Both axes have the same ends, so that chance is a straight dotted line.

    Raises
    ------
    ValueError
        If ``found`` has no ``tpr``, ``tpr`` lacks ``by`` or ``fpr`` or has further dimensions, or no rate is above 0.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from matplotlib.figure import Figure
    >>> from memjax import analysis
    >>> rng = np.random.default_rng(0)
    >>> trained = xr.DataArray(rng.random((20, 50)) < 0.5, dims=("seed", "example"))
    >>> scores = trained + xr.DataArray(rng.normal(size=(20, 50)), dims=("seed", "example"))
    >>> found = analysis.roc(scores, trained, fpr=np.geomspace(1e-2, 1.0, 21))
    >>> ax = roc(found, ax=Figure().subplots())
    >>> ax.get_xscale(), [round(float(end), 2) for end in ax.get_xlim()]
    ('log', [0.01, 1.0])
    """
    if not isinstance(found, xr.Dataset) or "tpr" not in found:
        raise ValueError("found has no variable tpr: give the Dataset that memjax.analysis.roc returns.")
    found = _checked(found, by)
    ax = axes_or_new(ax, width=4.0, height=3.8)
    rates = found["fpr"].values
    # A rate of 1 alone gives a logarithmic axis no second end.
    low = min(rates[(rates > 0.0) & (rates < 1.0)], default=0.1) if log else 0.0
    for place, color in enumerate(colors_of(found["tpr"], by) if by else [None]):
        one = found.isel({by: place}) if by else found
        _draw_curve(ax, one, text_of(found[by].values[place]) if by else "attack", color, log)
    ax.plot([low, 1.0], [low, 1.0], ":", color="0.4", linewidth=1.0, label="chance")
    sides: tuple[Literal["x", "y"], ...] = ("x", "y") if log else ()
    for which in sides:
        ax.set(**{f"{which}scale": "log"})
        set_plain_ticks(ax, which, 1.0 / low)
    ax.set(xlim=(low, 1.0), ylim=(low, 1.0), aspect="equal")
    set_labels(ax, label_of(found["fpr"]), label_of(found["tpr"]))
    ax.legend(title=label_of(found[by]) if by else None, loc="lower right")
    fit_legend(ax)
    return ax


def _checked(found: xr.Dataset, by: str | None) -> xr.Dataset:
    tpr = found["tpr"]
    require_array(tpr, "found.tpr")
    if by is not None:
        require_dim(tpr, by, "by")
    require_only_dims(tpr, ("fpr", *([by] if by else [])))
    if not (positions(tpr, "fpr") > 0.0).any():
        raise ValueError(
            "found has no false positive rate above 0; call analysis.roc with fpr=np.geomspace(1e-3, 1.0, 31)."
        )
    return found.sortby("fpr")


def _draw_curve(ax: Axes, one: xr.Dataset, label: str, color: Any, log: bool) -> None:
    shown = one["fpr"].values > 0.0 if log else np.ones(one.sizes["fpr"], bool)
    at, rates = one["fpr"].values[shown], one["tpr"].values[shown]
    # One rate is a point with a bar, because a line and a band need two.
    look, lone = {"color": color, "label": label}, at.size == 1
    heights = np.where(rates > 0.0, rates, np.nan) if log else rates
    line = ax.plot(at, heights, "o" if lone else "-", clip_on=not lone, **look)[0]
    if "tpr_interval" in one:
        low, high = one["tpr_interval"].transpose("bound", "fpr").values[:, shown]
        if lone:
            ax.vlines(at, low, high, color=line.get_color(), clip_on=False)
        else:
            ax.fill_between(at, low, high, color=line.get_color(), alpha=0.2, linewidth=0.0)
