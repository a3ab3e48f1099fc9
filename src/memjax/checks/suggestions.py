"""Suggestions for unknown names: the words of other libraries, and similar spellings."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from memjax.errors import listing

__all__ = ["hint", "meant"]

# Words of papers and other libraries for a field, without case and underscores; the likelier field comes first.
_WORDS = {
    "learning_rate": "lr lrs eta alpha rate maxlr baselr schedule scheduler lrschedule",
    "peak": "lr maxlr peaklr",
    "step_size": "lr eta epsilon",
    "warmup_steps": "warmup numwarmupsteps",
    "weight_decay": "wd decay lambda l2",
    "l2": "wd decay weightdecay lambda regularization",
    "b1": "beta1 betas momentum",
    "b2": "beta2 betas",
    "eps": "epsilon",
    "clip_norm": "clip gradclip maxgradnorm maxnorm clipgradnorm",
    "temperature": "noise temp",
    "optimizer": "opt optim optimiser",
    "hidden": "width widths depth layers numlayers hiddensize hiddensizes hiddendim units",
    "width": "hiddensize hiddendim dmodel dim",
    "embedding": "width dmodel dim embeddingdim embeddingsize",
    "heads": "nheads numheads",
    "activation": "act nonlinearity",
    "initializer": "init initialization initialisation initializers",
    "init_scale": "init scale alpha gain",
    "num_tokens": "vocab vocabsize vocabulary",
    "steps": "epoch epochs nepochs numepochs maxepochs iterations iters niter numsteps maxsteps trainsteps updates",
    "record_every": "logevery evalevery loginterval evalinterval every",
    "record_at": "logat evalat recordsteps logsteps evalsteps",
    "snapshots": "checkpoint checkpoints saveevery",
    "batch_size": "batch batches bs minibatch",
    "train_size": "n ntrain numtrain numexamples numsamples nsamples samples size datasetsize trainfraction fraction",
    "test_size": "ntest numtest valsize",
    "seed": "seeds key rng randomseed randomstate",
    "init_seed": "modelseed",
    "label_noise": "noise noiselevel",
    "num_classes": "classes nclasses",
    "input_dim": "dim features nfeatures inputsize",
    "num_features": "features nfeatures",
    "p": "modulus prime mod",
    "operation": "op operator",
    "task": "dataset data",
    "model": "network net architecture",
    "loss": "lossfn lossfunction criterion objective",
    "measures": "metrics metric measure",
}


def hint(name: str, known: Iterable[str]) -> str:
    """A sentence for the end of an error message that suggests a known name; empty if no name is similar.

    Examples
    --------
    >>> known = ["optimizer.learning_rate", "steps"]
    >>> hint("lr", known), hint("stepps", known), hint("zzz", known)
    (' Did you mean learning_rate?', ' Did you mean steps?', '')
    """
    full = list(known)
    shorts = list(dict.fromkeys(path.rpartition(".")[2] for path in full))
    bare = _bare(name.rpartition(".")[2])
    spelled = [field for field in shorts if _bare(field) == bare]
    meant = [field for field, words in _WORDS.items() if field in shorts and bare in words.split()]
    near = spelled or meant or difflib.get_close_matches(name, dict.fromkeys([*full, *shorts]), n=3, cutoff=0.6)
    return f" Did you mean {listing(near[:3])}?" if near else ""


def meant(function: Callable[..., Any], names: Iterable[str]) -> str:
    """Sentences that suggest an argument of ``function`` for each of ``names`` that is not an argument.

    Examples
    --------
    >>> meant(lambda learning_rate, momentum: None, ["lr", "momentum"])
    ' Did you mean learning_rate?'
    """
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ""
    return "".join(hint(name, known) for name in names if name not in known)


def _bare(name: str) -> str:
    """A name without the differences between spellings: case, underscores and hyphens."""
    return name.lower().replace("_", "").replace("-", "")
