"""What the page of an object says beside its text: how a scalar is called, and what a measure records."""

from __future__ import annotations

import inspect
import re

from memjax.analysis import Scalar
from memjax.measures import Measure

# A measure of a padded network is given the places of its own parameters; no user gives these.
_OF_THE_ENGINE = {"live"}


def call(scalar: Scalar) -> str:
    """The signature of a call of a scalar, with types in the way that Sphinx reads."""
    own = inspect.signature(type(scalar).__call__)
    bare = own.replace(parameters=list(own.parameters.values())[1:])
    return re.sub(r"(: |-> )'([\w.]+)'", r"\1\2", str(bare))


def about_scalar(name: str) -> str:
    """How a scalar is used."""
    return (
        f"A `memjax.analysis.Scalar`: ``{name}.between(100, 900)`` takes the records from step 100 to step 900, and scalars "
        "combine with ``+ - * /`` and numbers.\n"
    )


def about_measure(measure: Measure) -> str:
    """What a measure is given, and what it leaves in a Dataset, as a list of fields."""
    fields = {
        "In an experiment": f'``mj.Experiment(measures=("{measure.name}",))``',
        "On other splits": f'``mj.measures.{measure.name}.on("held_out")``',
        "In the Dataset": " and ".join(f"``{measure.variable(split)}``" for split in measure.splits),
        "Value": _value(measure),
        "Units": "a pure number" if measure.units == "1" else measure.units,
        "Targets": "class labels alone" if measure.needs_labels else "",
        "The function asks for": " and ".join(f"``{name}``" for name in sorted(measure.asks - _OF_THE_ENGINE)),
    }
    return "".join(f":{name}: {text}\n" for name, text in fields.items() if text)


def _value(measure: Measure) -> str:
    if measure.per_example:
        return f"one number at each record: the {measure.reduce} over the examples of the split"
    dims = " and ".join(f"``{dim}``" for dim in measure.dims)
    return f"an array at each record, along {dims}" if dims else "one number at each record"
