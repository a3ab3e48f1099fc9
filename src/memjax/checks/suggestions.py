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
    "learning_rate": "lr lrs eta alpha rate maxlr baselr schedule scheduler lrschedule lrscheduler initlr initiallr",
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
    "hidden": "width widths depth depths layers nlayers numlayers hiddensize hiddensizes hiddenwidth hiddenwidths hiddendim "
    "hiddendims units nunits neurons nhidden numhidden hiddenlayers",
    "channels": "width widths depth depths layers nlayers numlayers filters nfilters numfilters features hidden numchannels",
    "kernel": "kernelsize ksize filtersize",
    "pooling": "pool maxpool",
    "width": "hiddensize hiddendim dmodel dim",
    "embedding": "width dmodel dim embeddingdim embeddingsize",
    "heads": "nheads numheads",
    "activation": "act nonlinearity",
    "initializer": "init initialization initialisation initializers",
    "init_scale": "init scale alpha gain",
    "num_tokens": "vocab vocabsize vocabulary",
    "steps": "epoch epochs nepoch nepochs numepochs maxepochs iterations iters niter numsteps maxsteps trainsteps updates",
    "record_every": "logevery evalevery loginterval evalinterval every",
    "record_at": "logat evalat recordsteps logsteps evalsteps",
    "snapshots": "checkpoint checkpoints saveevery",
    "batch_size": "batch batches bs minibatch minibatchsize trainbatchsize",
    "train_size": "n ns m ntrain numtrain trainsizes numexamples numsamples nsamples samples size "
    "datasetsize trainfraction fraction",
    "test_size": "ntest numtest valsize ntests testsizes",
    "seed": "seeds nseeds numseeds runs repeats key rng randomseed randomstate",
    "init_seed": "modelseed",
    "batch_seed": "shuffleseed orderseed",
    "subset": "subsample subsets rows mask indices",
    "penalty": "l1 l1lambda penalties regularizer regularizers regularization regularisation regulariser",
    "stop_when": "stop earlystopping earlystop callbacks",
    "keep_best": "best savebest savebestonly savebestmodel restorebest restorebestweights bestcheckpoint",
    "examples": "perexample byexample",
    "dropout": "dropoutrate pdropout droprate",
    "label_noise": "noise noiselevel noiserate labelcorruption corruption",
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
# What the name of a field does not say, by the field, the words that call for it, and whether the field is suggested.
_NOTES = (
    ("steps", "epoch epochs nepoch nepochs numepochs maxepochs", "An epoch is train_size / batch_size steps."),
    (
        "hidden",
        "depth depths layers nlayers numlayers hiddenlayers",
        "Its entries are the widths of the layers: (64, 64, 64) has three.",
    ),
    (
        "channels",
        "depth depths layers nlayers numlayers",
        "Its entries are the channels of the layers: (16, 16, 32) has three.",
    ),
    ("b1", "momentum", "Only optimizers.sgd and rmsprop have momentum."),
    ("seed", "nseeds numseeds runs repeats", "Sweep it with over={'seed': range(20)}."),
    (
        "l2",
        "wd decay weightdecay",
        "l2 is added to the gradient, as weight_decay of PyTorch's Adam; adamw has weight_decay.",
    ),
)
# Words for what only some parts have, or none, when the parts at hand do not.
_ELSEWHERE = {
    "momentum": "Only optimizers.sgd and rmsprop have momentum.",
    "weightdecay wd": "Decay apart from the gradient is weight_decay of optimizers.adamw.",
    "temperature temp": "Only optimizers.langevin has a temperature.",
    "channels filters": "Only models.ConvNet has channels.",
    "dropout dropoutrate": "Of memjax's models MLP has dropout, and models.Linen takes a module with dropout.",
    "labelnoise noise": "Tasks with true labels have label_noise, such as tasks.Images.",
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
    elsewhere = "".join(f" {note}" for words, note in _ELSEWHERE.items() if bare in words.split())
    alike = [] if elsewhere else difflib.get_close_matches(name, dict.fromkeys([*full, *shorts]), n=3, cutoff=0.6)
    near = spelled or meant or alike
    notes = "".join(f" {note}" for field, words, note in _NOTES if field in near and bare in words.split())
    if not near:
        return elsewhere
    return f" Did you mean {listing(near[:3])}?{notes}"


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
