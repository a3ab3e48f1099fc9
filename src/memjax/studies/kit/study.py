"""What a study is: sweeps, what is measured on their networks, and what to make of the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memjax.experiment import Experiment
from memjax.pages.table import Table
from memjax.studies.kit.claims import Claim, claims_table
from memjax.studies.kit.display import findings_html, findings_line, study_html, study_line

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as Drawn

__all__ = ["Figure", "Findings", "Measured", "Study", "Sweep"]


@dataclass(frozen=True)
class Sweep:
    """An experiment and the axes it is swept over; a mapping gives the values of an axis by names.

    Examples
    --------
    >>> two_sizes = Sweep(Experiment(steps=100), {"train_size": (50, 100), "seed": range(3)})
    >>> two_sizes.experiment.steps, list(two_sizes.over)
    (100, ['train_size', 'seed'])
    """

    experiment: Experiment
    over: Mapping[str | tuple[str, ...], Sequence[Any] | Mapping[str, Any]]


@dataclass(frozen=True)
class Measured:
    """What needs the weights of trained networks, and is saved before anything is made of it.

    Attributes
    ----------
    of
        Name of the sweep whose dataset is measured.
    compute
        From that dataset to a dataset of numbers.
    by
        Dimension along which parts are computed and saved one after another, so that a run that was stopped goes on behind
        its last part; None computes everything at once.

    Examples
    --------
    >>> halved = Measured("dataset", lambda ds: ds / 2, by="seed")
    >>> halved.of, halved.by, halved.compute(3.0)
    ('dataset', 'seed', 1.5)
    """

    of: str
    compute: Callable[[xr.Dataset], xr.Dataset]
    by: str | None = None


@dataclass(frozen=True)
class Figure:
    """A figure that is drawn when the folder is written, and the caption that says what it means.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure = Figure(lambda: plt.figure(figsize=(4.0, 3.0)), "Nothing is drawn here yet.")
    >>> figure.draw().get_size_inches().tolist()
    [4.0, 3.0]
    """

    draw: Callable[[], Drawn]
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a study makes of its numbers.

    Attributes
    ----------
    claims
        Published statements beside ours: the table ``published``, the file ``claims.json`` and the answer of the report.
    tables
        Further tables, by the name of their file.
    figures
        Figures by the name of their file; the first is the main one.
    note
        What a reader of the claims must know, beside what the verdicts mean.
    datasets
        Numbers that were computed from the records, by the name of their file.

    Examples
    --------
    >>> from memjax.studies.kit import Estimate
    >>> claim = Claim("share of labels that are fitted", 1.0, Estimate(0.99, 0.97, 1.0, count=4))
    >>> found = Findings([claim], tables={"losses": Table("Losses", ("size", "loss"), (("50", "0.3"),))})
    >>> list(found.all_tables), claim.verdict.value
    (['published', 'losses'], 'as published')
    """

    claims: Sequence[Claim] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    note: str = ""
    datasets: Mapping[str, xr.Dataset] = field(default_factory=dict)

    def __repr__(self) -> str:
        return findings_line(self)

    def _repr_html_(self) -> str:
        return findings_html(self)

    @property
    def all_tables(self) -> Mapping[str, Table]:
        """The table ``published`` of the claims, where there are any, and the further tables."""
        claims = {"published": claims_table(self.claims, self.note)} if self.claims else {}
        return {**claims, **self.tables}


def _nothing_further(scale: str, datasets: Mapping[str, xr.Dataset]) -> Mapping[str, Sweep]:
    return {}


def _nothing_measured(scale: str) -> Mapping[str, Measured]:
    return {}


@dataclass(frozen=True)
class Study:
    """A published experiment.

    Attributes
    ----------
    name, title
        Name on the command line, and a line that says what the study shows.
    question
        What is asked, as one question.
    source, papers
        Where the experiment was published, in words, and addresses of its papers by their short names.
    scales
        What each scale is, by name; the first is the default.
    seeds
        Seeds by default, by scale.
    sweeps
        From scale and number of seeds to named sweeps; the first is saved as ``dataset.nc``.
    analyse
        From all datasets by name, of sweeps and of what was measured, to what they show. The datasets have records and
        numbers, and no weights.
    further
        From scale and datasets to named sweeps that need them, such as those that start from their snapshots; none unless
        given. Their datasets join the others, and the function is called again with them until no name is new: sweeps may
        follow one another.
    measured
        From the scale to what is measured on the networks of the sweeps; none unless given. These datasets join the others.

    Examples
    --------
    >>> import xarray as xr
    >>> sizes = Sweep(Experiment(steps=4, record_every=2, train_size=8), {"seed": range(2)})
    >>> study = Study(
    ...     name="eight-examples",
    ...     title="Four steps on eight examples",
    ...     question="How large is the loss after four steps?",
    ...     source="nowhere",
    ...     scales={"quick": "two seeds"},
    ...     seeds={"quick": 2},
    ...     sweeps=lambda scale, seeds: {"dataset": sizes},
    ...     analyse=lambda datasets: Findings(note=f"{datasets['dataset'].sizes['seed']} runs"),
    ... )
    >>> study.sweeps("quick", 2)["dataset"].experiment.steps
    4
    >>> study.analyse({"dataset": xr.Dataset({"loss": ("seed", [2.0, 3.0])})}).note
    '2 runs'
    """

    name: str
    title: str
    question: str
    source: str
    scales: Mapping[str, str]
    seeds: Mapping[str, int]
    sweeps: Callable[[str, int], Mapping[str, Sweep]]
    analyse: Callable[[Mapping[str, xr.Dataset]], Findings]
    papers: Mapping[str, str] = field(default_factory=dict)
    further: Callable[[str, Mapping[str, xr.Dataset]], Mapping[str, Sweep]] = _nothing_further
    measured: Callable[[str], Mapping[str, Measured]] = _nothing_measured

    def __repr__(self) -> str:
        return study_line(self)

    def _repr_html_(self) -> str:
        return study_html(self)
