"""Subsets of rows: which rows they choose, and what they refuse."""

import numpy as np
import pytest

import memjax as mj
from memjax.experiment.draw import draw_split
from memjax.experiment.rows import may_repeat
from memjax.random.minibatches import PAD, batch_order
from memjax.subsets import BalancedHalves, First, GivenRows, LeaveOut, Nested, Planted, RandomShare

ROWS, LABELS = np.arange(100, 140), np.repeat([0, 1, 2], [20, 12, 8])
X, Y = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), LABELS


def chosen(subset, seed=0):
    places = subset.choose(ROWS, LABELS, seed)
    assert len(places) == subset.size(len(ROWS), seed)
    return places


def test_random_shares_are_exact_nested_and_uniform():
    subsets = np.array([np.bincount(chosen(RandomShare(0.7), seed), minlength=40) for seed in range(2000)])
    assert set(subsets.sum(1)) == {28} and subsets.max() == 1
    # A row is in 0.7 of the subsets, with a standard error of sqrt(.7 * .3 / 2000) = .0102; 4.1 of those hold 40 rows.
    assert abs(subsets.mean(0) - 0.7).max() < 4.1 * 0.0102
    # Without replacement two rows exclude each other a little: the covariance is -.7 * .3 / 39, measured within .002.
    covariance = np.cov(subsets.T)
    assert abs(covariance[~np.eye(40, dtype=bool)].mean() + 0.7 * 0.3 / 39) < 2e-4
    assert set(chosen(RandomShare(0.3), 5)) < set(chosen(RandomShare(0.7), 5))


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.95])
def test_stratified_shares_have_the_classes_in_their_shares_up_to_one_row(share):
    counts = np.bincount(LABELS[chosen(RandomShare(share, stratified=True), 3)], minlength=3)
    assert (abs(counts - share * np.array([20, 12, 8])) < 1).all()


def test_halves_come_in_pairs_that_hold_every_row_once():
    for k in range(5):
        pair = np.concatenate([chosen(BalancedHalves(), 2 * k), chosen(BalancedHalves(), 2 * k + 1)])
        assert sorted(pair) == list(range(40))
    assert BalancedHalves().size(7, 0) + BalancedHalves().size(7, 1) == 7
    assert len(set(map(tuple, (chosen(BalancedHalves(), 2 * k) for k in range(20))))) == 20


def test_rows_are_meant_by_their_numbers():
    assert ROWS[chosen(LeaveOut(103))].tolist() == [100, 101, 102, *range(104, 140)]
    assert len(chosen(LeaveOut())) == 40 and len(chosen(LeaveOut((100, 139)))) == 38
    assert ROWS[chosen(GivenRows((139, 100)))].tolist() == [100, 139]
    assert ROWS[chosen(First(3))].tolist() == [100, 101, 102]
    planted = ROWS[chosen(Planted((120,), times=3, among=RandomShare(0.5)), 4)]
    assert (planted == 120).sum() == 3 and len(planted) == round(0.5 * 39) + 3
    assert (ROWS[chosen(Planted((120,), times=0))] != 120).all()


def test_the_inner_subset_chooses_among_the_rows_of_the_outer_one():
    left = (103, 110, 139)
    halves = Nested(LeaveOut(left), BalancedHalves())
    for k in range(5):
        one, other = (ROWS[chosen(halves, seed)].tolist() for seed in (2 * k, 2 * k + 1))
        assert sorted(one + other) == sorted(set(ROWS.tolist()) - set(left))
        # The other way to say so is to plant the rows zero times.
        assert one == ROWS[chosen(Planted(left, times=0, among=BalancedHalves()), 2 * k)].tolist()
    assert len({tuple(chosen(halves, seed)) for seed in range(20)}) == 20
    # Rows are meant by their numbers in both, and may come in any order from the outer one.
    assert ROWS[::-1][Nested(GivenRows((101, 105, 103)), LeaveOut(103)).choose(ROWS[::-1], LABELS, 0)].tolist() == [
        105,
        101,
    ]


def test_the_outer_subset_follows_a_seed_of_its_own():
    inside = [Nested(RandomShare(0.5), BalancedHalves(), outer_seed=outer) for outer in (0, 0, 7)]
    pairs = [
        {*chosen(one, seed).tolist(), *chosen(one, seed + 1).tolist()}
        for one, seed in zip(inside, (4, 8, 4), strict=True)
    ]
    assert pairs[0] == pairs[1] == set(chosen(RandomShare(0.5), 0).tolist())
    assert pairs[2] == set(chosen(RandomShare(0.5), 7).tolist()) != pairs[0]
    # Of an odd number of rows, the half of an odd seed has one more.
    assert [Nested(BalancedHalves(), LeaveOut(), outer_seed=outer).size(7, seed=0) for outer in (0, 1)] == [3, 4]
    # Labels of the chosen rows go to the inner subset with them.
    counts = np.bincount(LABELS[chosen(Nested(GivenRows(tuple(range(115, 135))), RandomShare(0.4, stratified=True)))])
    assert counts.tolist() == [2, 5, 1]


@pytest.mark.parametrize(
    ("subset", "repeats"),
    [
        (Nested(LeaveOut(7), BalancedHalves()), False),
        (Nested(LeaveOut(7), Planted((5,), times=3)), True),
        (Nested(First(20), Nested(LeaveOut(7), Planted((5,), times=3))), True),
        (None, False),
    ],
)
def test_a_row_is_repeated_only_where_the_inner_subset_repeats_rows(subset, repeats):
    assert may_repeat(spec(subset=subset)) == repeats


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Nested("all", First(3)), "Nested.outer is 'all': give an object of memjax.subsets"),
        (
            lambda: Nested(First(3), BalancedHalves),
            "Nested.inner is .*BalancedHalves.*: give an object of memjax.subsets",
        ),
        (lambda: Nested(First(3), First(2), outer_seed=-1), "Nested.outer_seed is -1"),
        (
            lambda: chosen(Nested(Planted((105,), 2), First(3))),
            "Nested.outer is Planted.*, which chooses a row more than once",
        ),
        (lambda: chosen(Nested(LeaveOut(105), GivenRows((105,)))), "the row 105, which is not among the 39 rows"),
        (lambda: mj.sweep(spec(subset=Nested(First(1), BalancedHalves()))), "which leaves none of the 40 rows"),
        (lambda: RandomShare(0), "RandomShare.share is 0, which leaves no row"),
        (lambda: RandomShare(1.5), "RandomShare.share"),
        (lambda: GivenRows(3), r"GivenRows.rows is 3: give a tuple"),
        (lambda: GivenRows((3, 3)), "holds the row 3 more than once"),
        (lambda: Planted((3,), among="all"), "Planted.among is 'all'"),
        (lambda: chosen(LeaveOut(99)), r"holds the row 99, which is not among the 40 rows .* from 100 to 139"),
        (lambda: chosen(First(41)), "First.count is 41, but the data set has 40 rows"),
        (lambda: RandomShare(0.5, stratified=True).choose(ROWS, X[:, :1], 0), "stratified is True, but the targets"),
        (lambda: mj.Experiment(subset="half"), "subset is 'half': give an object of memjax.subsets"),
        (lambda: mj.sweep(spec(subset=LeaveOut(40))), "the row 40, which is not among the 40 rows"),
        (lambda: mj.sweep(spec(subset=RandomShare(0.001))), "which leaves none of the 40 rows"),
        (lambda: mj.sweep(spec(subset=GivenRows((1, 2)), batch_size=3)), "batch_size is 3, larger than train_size = 2"),
    ],
)
def test_what_cannot_be_is_said_before_training(make, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        make()


def spec(**fields):
    task = mj.tasks.from_arrays(X, Y)
    return mj.Experiment(task=task, train_size="all", test_size=0, steps=4, record_every=2, **fields)


class Forgetful:
    """A subset that does not keep its word."""

    def __init__(self, places):
        self.places = places

    def size(self, num_rows, seed):
        return 3

    def choose(self, rows, targets, seed):
        return self.places()


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        (lambda: np.arange(4), r"gave int64\[4\], but Forgetful.size says 3"),
        (lambda: np.array([1, 2, 40]), "gave places from 1 to 40, but the data set has 40 rows"),
        (lambda: np.random.default_rng().permutation(40)[:3], "gave other rows when it was called again"),
    ],
)
def test_a_users_subset_is_held_to_its_word(places, sentence):
    with pytest.raises(mj.InputError, match=sentence):
        mj.sweep(spec(subset=Forgetful(places)))


def test_an_order_leaves_out_the_rows_that_are_not_chosen_and_keeps_the_rest():
    runs = [spec(subset=subset, seed=3) for subset in (LeaveOut(), LeaveOut(7), Planted((5,), times=3))]
    orders = []
    for run in runs:
        places = run.subset.choose(np.arange(40), Y, run.subset_key)
        # The data set is in the order of the data seed: positions are not row numbers.
        rows = draw_split(run).train.x
        taken = batch_order([run], 10, 0, 5, [run.subset.choose(draw(run).x, Y, run.subset_key)])[:, 0].ravel()
        orders.append(rows[taken[taken != PAD]][: len(places)])
    whole, without, thrice = (order.tolist() for order in orders)
    assert sorted(whole) == list(range(40))
    assert without == [row for row in whole if row != 7]
    assert sorted(thrice) == sorted([*range(40), 5, 5])
    # The copies of a row are spread over the epoch.
    assert np.diff([place for place, row in enumerate(thrice) if row == 5]).min() > 1


def draw(run):
    return run.task.draw(run.data_key, *run.data_sizes()).train
