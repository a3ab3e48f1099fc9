"""Names that people type: each gets the name of the field, wherever it is typed."""

import inspect
import pickle

import pytest

import memjax as mj
from memjax.experiment.axes import cells, read_axes

SPEC = mj.Experiment(train_size=8, steps=2, record_every=1)
TYPED = {
    "lr": "learning_rate",
    "width": "hidden",
    "widths": "hidden",
    "wd": "l2",
    "weight_decay": "l2",
    "epochs": "steps",
    "num_epochs": "steps",
    "batch": "batch_size",
    "bs": "batch_size",
    "seeds": "seed",
    "n": "train_size",
    "n_train": "train_size",
    "noise": "label_noise",
    "depth": "hidden",
    "layers": "hidden",
    "opt": "optimizer",
    "beta1": "b1",
    "alpha_": "alpha",
}
PARTS = {
    "adam lr": (lambda: mj.optimizers.adam(lr=0.1), "adam takes no 'lr'. Did you mean learning_rate?"),
    "sgd wd": (lambda: mj.optimizers.sgd(wd=0.1), "sgd takes no 'wd'. Did you mean l2?"),
    "adamw wd": (lambda: mj.optimizers.adamw(wd=0.1), "adamw takes no 'wd'. Did you mean weight_decay?"),
    "langevin temp": (lambda: mj.optimizers.langevin(temp=0.1), "langevin takes no 'temp'. Did you mean temperature?"),
    "cosine lr": (lambda: mj.schedules.warmup_cosine(lr=0.1), "warmup_cosine takes no 'lr'. Did you mean peak?"),
    "MLP width": (lambda: mj.models.MLP(width=8), "MLP takes no 'width'. Did you mean hidden?"),
    "MLP depth": (lambda: mj.models.MLP(depth=3), "(64, 64, 64) has three"),
    "MLP dropout": (lambda: mj.models.MLP(dropout_rate=0.1), "Did you mean dropout?"),
    "ConvNet dropout": (lambda: mj.models.ConvNet(dropout=0.1), "MLP has dropout"),
    "ConvNet filters": (lambda: mj.models.ConvNet(filters=(4,)), "Did you mean channels?"),
    "ConvNet kernel": (lambda: mj.models.ConvNet(kernel_size=3), "Did you mean kernel?"),
    "task": (lambda: mj.tasks.RandomLabels(n_classes=3), "Did you mean num_classes?"),
    "JSON": (
        lambda: mj.Experiment.from_json('{"optimizer": {"type": "optimizers.adam", "lr": 0.1}}'),
        "Did you mean learning_rate?",
    ),
}


@pytest.mark.parametrize("word", TYPED)
def test_a_word_as_an_axis_a_keyword_and_in_a_spec_gets_the_field(word):
    typed = (
        lambda: mj.explain(SPEC, over={word: [1, 2]}),
        lambda: mj.Experiment(**{word: 1}),
        lambda: mj.Experiment.from_json(f'{{"{word}": 1}}'),
    )
    for call in typed:
        with pytest.raises(mj.InputError, match=rf"{word}.*\. Did you mean {TYPED[word]}\?.*\.$"):
            call()


@pytest.mark.parametrize("case", PARTS)
def test_a_word_for_an_optimizer_a_model_or_a_task_gets_its_own_field(case):
    call, sentence = PARTS[case]
    with pytest.raises(mj.InputError) as caught:
        call()
    assert sentence in str(caught.value) and str(caught.value).endswith(".")


def test_the_sentence_says_what_an_epoch_is_and_where_a_field_of_a_part_belongs():
    with pytest.raises(mj.InputError, match=r"An epoch is train_size / batch_size steps\."):
        mj.Experiment(epochs=3)
    with pytest.raises(mj.InputError, match=r"a field of optimizer: optimizer=sgd\(learning_rate=\.\.\.\)\."):
        mj.Experiment(optimizer=mj.optimizers.sgd(), lr=0.1)
    with pytest.raises(
        mj.InputError, match=r"takes no 'l2'\. It is a field of optimizer: optimizer=adam\(l2=\.\.\.\)\."
    ):
        mj.Experiment(l2=0.1)


@pytest.mark.parametrize(("word", "owner"), [("temperature", "langevin"), ("momentum", "sgd"), ("channels", "ConvNet")])
def test_a_field_of_another_part_gets_the_part(word, owner):
    with pytest.raises(mj.InputError, match=rf"Only \w+\.{owner}"):
        mj.explain(SPEC, over={word: [1]})


def test_signatures_types_and_other_errors_stay():
    assert list(inspect.signature(mj.Experiment).parameters)[:3] == ["task", "model", "optimizer"]
    assert next(iter(inspect.signature(mj.optimizers.adam).parameters)) == "learning_rate"
    assert pickle.loads(pickle.dumps(mj.models.ConvNet((4,)))) == mj.models.ConvNet((4,))
    assert pickle.loads(pickle.dumps(mj.optimizers.adam)) is mj.optimizers.adam
    with pytest.raises(TypeError, match="positional"):
        mj.optimizers.adam(0.1, 0.9)


AXES = {
    "list": ([0.01, mj.schedules.cosine(0.01)], ["0.01", "cosine"]),
    "names": ({"constant": 0.01, "cosine": mj.schedules.cosine(0.01)}, ["constant", "cosine"]),
}


@pytest.mark.parametrize("form", AXES)
def test_a_schedule_may_stand_among_the_numbers_of_an_axis(form):
    values, labels = AXES[form]
    (axis,) = read_axes({"learning_rate": values})
    assert axis.coords()["learning_rate"].tolist() == labels
    assert [run.optimizer.hyperparameters["learning_rate"] for _, run in cells(SPEC, (axis,))] == [
        0.01,
        mj.schedules.cosine(0.01),
    ]


@pytest.mark.slow
def test_a_schedule_in_an_axis_trains_as_one():
    weights = mj.sweep(SPEC, over={"learning_rate": AXES["names"][0]}).weight_l2.values
    # The first step has the same rate; the second does not.
    assert weights[0, 1] == pytest.approx(weights[1, 1], rel=1e-6)
    assert abs(weights[0, 2] / weights[1, 2] - 1) > 1e-5
