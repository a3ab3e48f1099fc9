"""What the study double-descent compares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from memjax import analysis
from memjax.studies.double_descent import figures, numbers, reuse, tables
from memjax.studies.double_descent.exact import NOISE_VARIANCE
from memjax.studies.double_descent.exact_figure import exact_figure
from memjax.studies.double_descent.random_features import KINDS
from memjax.studies.double_descent.regression import WITHOUT
from memjax.studies.kit import Claim, Findings, above, below, between

__all__ = [
    "analyse",
    "diabetes_claims",
    "exact_claims",
    "feature_claims",
    "fold_claims",
    "network_claims",
    "reuse_claims",
    "sample_claims",
    "sphere_claims",
]

TITLES = {"fourier": "random Fourier features", "relu": "random ReLU features"}
_RIDGE = 0.1
# A hump below one percentage point of the test error, or below a twentieth of a decade of the squared error, is none.
_NONE, _NONE_LOG = 0.01, 0.05
_COMPARED = (1 / 3, 2 / 3, 4 / 3, 2.0, 4.0)


def analyse(datasets: Mapping[str, xr.Dataset]) -> Findings:
    """Claims, tables and figures of random features, networks and the regression."""
    width, decay, samples = (numbers.errors(numbers.by_width(datasets[name])) for name in ("width", "decay", "samples"))
    chain = reuse.reused(datasets, width)
    features, sphere, diabetes = (datasets[name] for name in ("features", "sphere", "diabetes"))
    return Findings(
        claims=[
            *feature_claims(features),
            *sphere_claims(sphere),
            *network_claims(width, decay),
            *reuse_claims(chain),
            *sample_claims(samples),
            *fold_claims(features),
            *diabetes_claims(diabetes),
            *exact_claims(datasets["isotropic"], datasets["descent_exact"]),
        ],
        tables={
            "features": tables.features(features),
            "widths": tables.widths(width, decay),
            "reuse": tables.reuse(chain),
            "samples": tables.samples(samples),
            "diabetes": tables.diabetes(diabetes),
        },
        figures=figures.all_figures(width, decay, samples, chain, features, sphere, diabetes)
        | {"exact": exact_figure(datasets["isotropic"], datasets["descent"], datasets["descent_exact"])},
        note=_NOTE,
        datasets={"width_numbers": width, "samples_numbers": samples, "reuse_numbers": chain},
    )


def feature_claims(found: xr.Dataset) -> list[Claim]:
    """Belkin: the peak is at N = n, and the curve behind it ends below the one before it."""
    claims = []
    for kind in KINDS:
        own = found.sel(features=kind, drop=True)
        free, held = own.sel(ridge=0.0, drop=True), own.sel(ridge=_RIDGE, drop=True)
        at = free["ratio"][free["test_loss"].argmax("ratio")].drop_vars("ratio")
        height = free["test_loss"].sel(ratio=1.0, drop=True) / free["test_loss"].isel(ratio=-1, drop=True)
        below_it = free["test_error"].isel(ratio=-1, drop=True) - _lowest_before(free["test_error"])
        main, title = kind == KINDS[0], TITLES[kind]
        claims += [
            Claim(f"{title}: N / n at the largest test loss", 1.0, at, main=main),
            Claim(f"{title}: test loss at N = n over that at N = 10 n", "above 1", height, above(1.0), of="geometric"),
            Claim(
                f"{title}: test error at N = 10 n less the lowest one at N < n",
                "below 0",
                below_it,
                below(0.0),
            ),
            _no_hump(f"{title}, ridge {_RIDGE:g}", held["test_error"], "ratio"),
        ]
    return claims


def _lowest_before(error: xr.DataArray) -> xr.DataArray:
    """Test error of every seed at the number of features below n that is best for the other seeds."""
    first = error.sel(ratio=slice(None, 0.999))
    count = first.sizes["seed"]
    others = (first.sum("seed") - first) / max(count - 1, 1)
    return first.isel(ratio=others.argmin("ratio")).drop_vars("ratio")


def _no_hump(where: str, error: xr.DataArray, dim: str, main: bool = False) -> Claim:
    height = numbers.hump(error, dim)["height"]
    return Claim(f"{where}: height of the hump in {_OF[dim]}", "about 0: no peak", height, below(_NONE), main=main)


_OF = {"ratio": "features", "width": "width"}


def sphere_claims(found: xr.Dataset) -> list[Claim]:
    """Mei and Montanari: the test error on a sphere is that of the formula."""
    psi = found.attrs["train_size"] / found.attrs["dimension"]
    claims = []
    for ratio in _COMPARED:
        exact = round(float(analysis.random_features_risk(ratio * psi, psi, noise=0.25)), 3)
        ours = found["risk"].sel(ratio=ratio, method="nearest", drop=True)
        claims.append(Claim(f"sphere, N / n = {ratio:.3g}: excess test error", exact, ours))
    return claims


def network_claims(width: xr.Dataset, decay: xr.Dataset) -> list[Claim]:
    """Nakkiran: peaks in width and in steps with noisy labels, smaller ones without, none after an early stop or with decay."""
    noisy, clean = (width.isel(label_noise=i, drop=True) for i in (-1, 0))
    tall, flat = (numbers.hump(one["last_test"], "width") for one in (noisy, clean))
    fitted = numbers.threshold(noisy["last_train"])
    held = decay["last_test"].isel(weight_decay=-1)
    wide = numbers.from_best(noisy["test"].isel(width=-1, drop=True))
    strength = f"weight decay {float(held['weight_decay']):g}"
    return [
        Claim("20% wrong labels: height of the hump in width", "above 0", tall["height"], above(0.0), main=True),
        Claim("true labels: height of the hump in width", "0 or small", flat["height"]),
        Claim("height of the hump in width: 20% wrong labels less true labels", "above 0", tall["height"] - flat["height"],
              above(0.0)),
        Claim("20% wrong labels: width of the peak over the first width that fits the train set", 1.0,
              tall["place"] / fitted, between(0.5, 2.0), of="geometric"),
        Claim("20% wrong labels, widest network: height of the hump in steps behind the best record", "above 0",
              numbers.hump(wide, "step")["height"], above(0.0), main=True),
        _no_hump("20% wrong labels, stopped at the best record", noisy["best_test"], "width", main=True),
        _no_hump(f"20% wrong labels, {strength}", held.drop_vars("weight_decay"), "width"),
        Claim("20% wrong labels: test error of the widest network less the lowest one of any width below the peak",
              "below 0 in some settings", _second_descent(noisy["last_test"])),
    ]  # fmt: skip


def _second_descent(error: xr.DataArray) -> xr.DataArray:
    """Last point less the lowest one before the highest hump, where the mean over seeds has them."""
    mean = error.mean("seed")
    place = numbers.hump(mean.expand_dims(seed=1), "width")["place"].item()
    return error.isel(width=-1, drop=True) - error.sel(
        width=mean.sel(width=slice(None, place)).idxmin("width"), drop=True
    )


def reuse_claims(chain: xr.Dataset) -> list[Claim]:
    """Belkin: the published peak of networks has reused weights; a re-run calls this peak a false one."""
    noisy, clean = (chain.isel(label_noise=i, drop=True).assign_attrs(chain.attrs) for i in (-1, 0))
    again, fresh = (numbers.hump(noisy[name], "width") for name in ("test", "fresh_test"))
    end = int(chain.attrs["end"])
    false = numbers.hump(reuse.spliced(clean), "width")["height"]
    return [
        Claim("20% wrong labels, weights reused: height of the hump in width", "above 0", again["height"], above(0.0),
              main=True),
        Claim("20% wrong labels: height of the hump in width with reused weights less with fresh ones",
              "below 0: clearer without reuse (a re-run)", again["height"] - fresh["height"], below(0.0)),
        Claim("20% wrong labels: width of the peak with reused weights over that with fresh ones", "not given",
              again["place"] / fresh["place"], of="geometric"),
        Claim(f"true labels, weights reused up to width {end} alone: height of the hump in width",
              "above 0: the end of the reuse makes a peak (a re-run)", false, above(_NONE)),
    ]  # fmt: skip


def sample_claims(both: xr.Dataset) -> list[Claim]:
    """Nakkiran: more examples raise the test error near the threshold, and wider networks can fit more examples."""
    samples, clean = (both.isel(label_noise=i, drop=True) for i in (-1, 0))
    found = [
        Claim(f"20% wrong labels, width {width}: height of the hump in examples", "above 0",
              numbers.hump(samples["last_test"].sel(width=width, drop=True), "train_size")["height"], above(0.0))
        for width in samples["width"].values.tolist()
    ]  # fmt: skip
    flat = numbers.hump(clean["last_test"].mean("width"), "train_size")["height"]
    found.append(Claim("true labels, mean over widths: height of the hump in examples", "0 or small", flat))
    size = numbers.complexity(samples["last_train"])
    most, least = size.isel(width=-1), size.isel(width=0)
    what = f"effective model complexity: width {int(most['width'])} less width {int(least['width'])}"
    return [
        *found,
        Claim(what, "above 0", (most - least).drop_vars("width", errors="ignore"), above(0.0), units="examples"),
    ]


def fold_claims(found: xr.Dataset) -> list[Claim]:
    """Curth: on test inputs the parameters that are used peak at N = n, and the test loss follows them behind the peak."""
    claims = []
    for kind in KINDS:
        free = found.sel(features=kind, ridge=0.0, drop=True)
        at = free["ratio"][free["test_used"].argmax("ratio")].drop_vars("ratio")
        train = free["train_used"].isel(ratio=-1, drop=True)
        title, used = TITLES[kind], "effective parameters on test inputs"
        claims += [
            Claim(f"{title}: N / n at the most {used}", 1.0, at),
            Claim(f"{title}, N = 10 n: effective parameters on train inputs over n", 1.0, train, derived=True),
            Claim(f"{title}, N >= n: rank correlation of {used} and test loss", "above 0: the curve folds", numbers.fold(free),
                  above(0.0)),
        ]  # fmt: skip
    return claims


def diabetes_claims(found: xr.Dataset) -> list[Claim]:
    """Schaeffer: the peak is where there are as many rows as inputs, and each factor alone removes the peak."""
    loss = xr.apply_ufunc(np.log10, found["loss"])
    at = loss["train_size"][loss.sel(ablation="none", drop=True).argmax("train_size")].drop_vars("train_size")
    claims = [Claim("diabetes: train size at the largest test loss", float(found.attrs["inputs"]), at)]
    for ablation in found["ablation"].values.tolist():
        height = numbers.hump(loss.sel(ablation=ablation, drop=True), "train_size")["height"]
        if ablation == "none":
            claims.append(Claim("diabetes: height of the hump", "above 0", height, above(0.0), units="decades"))
        else:
            what = f"diabetes, without {WITHOUT[ablation]}: height of the hump"
            claims.append(Claim(what, "about 0: no peak", height, below(_NONE_LOG), units="decades"))
    return claims


def exact_claims(isotropic: xr.Dataset, descent: xr.Dataset) -> list[Claim]:
    """Hastie et al.: the error of the least-norm solution at every size; gradient descent has the weights of its formula."""
    found = []
    for ratio in (0.5, 0.8, 1.25, 4.0):
        formula = round(float(analysis.ridgeless_risk(ratio, noise=NOISE_VARIANCE)), 3)
        ours = isotropic["risk"].sel(ratio=ratio, drop=True)
        found.append(Claim(f"isotropic inputs, p / n = {ratio:g}: excess test error", formula, ours))
    what = "gradient descent on least squares: largest distance of the weights from the formula, over the way from the start"
    return [*found, Claim(what, "0: derived", descent["distance"], between(-1e-4, 1e-4), derived=True)]


_NOTE = (
    "The height of a hump is the lesser of the rise to a peak and the fall behind it, in shares of wrong labels. Peak and "
    "dips are where the mean of all other seeds has them, so that noise makes no hump. Published numbers of other data "
    "are given as words. What stands as published for the sphere is the formula of Mei and Montanari. A hump below 0.01, "
    "or below 0.05 decades, counts as none."
)
