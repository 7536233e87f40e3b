"""The smallest set of sizes: against trying all sets, and against answers known on paper."""

from itertools import combinations

import numpy as np
import pytest

from canalfit.cohort.shelf import coverage_by_count, coverage_of_new_people, smallest_set, wilson


def by_trying_all(serves: np.ndarray, share: float) -> int | None:
    m = serves.shape[1]
    for k in range(1, m + 1):
        if any(serves[:, list(c)].any(axis=1).mean() >= share - 1e-12 for c in combinations(range(m), k)):
            return k
    return None


@pytest.mark.parametrize("seed", range(12))
def test_no_set_is_smaller_than_the_one_found(seed: int) -> None:
    random = np.random.default_rng(seed)
    serves = random.random((40, 9)) < random.uniform(0.1, 0.4)
    for share in (0.5, 0.8, 0.9, 0.95, 1.0):
        found, expected = smallest_set(serves, share), by_trying_all(serves, share)
        if expected is None:
            assert not found.reachable and found.sizes == ()
        else:
            assert found.proven and len(found.sizes) == expected
            assert serves[:, list(found.sizes)].any(axis=1).sum() == found.covered >= share * 40 - 1e-9


def test_a_share_that_nothing_reaches_is_said() -> None:
    serves = np.array([[True, False], [False, True], [False, False]])
    assert not smallest_set(serves, 0.9).reachable
    assert smallest_set(serves, 2 / 3).sizes == (0, 1)
    assert not smallest_set(np.zeros((0, 3), bool), 0.9).reachable


def test_greedy_would_take_three_where_two_are_enough() -> None:
    # Size 0 serves four of six, but whoever takes it needs both others as well.
    serves = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1], [0, 1, 0], [0, 0, 1]], bool)
    assert smallest_set(serves, 1.0).sizes == (1, 2)
    assert coverage_by_count(serves, 5) == [4, 6]


def test_interval_of_a_share_is_that_of_the_book() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(40, 40, n_people=10) == wilson(10, 10)


def test_a_set_chosen_on_a_sample_is_judged_on_other_people() -> None:
    # Everybody needs a size of his own: what was chosen for others serves nobody new.
    serves = np.eye(20, dtype=bool)
    assert coverage_of_new_people(serves, [f"p{i}" for i in range(20)], 1.0, seed=1) == 0.0
    same = np.ones((20, 2), bool)
    assert coverage_of_new_people(same, [f"p{i}" for i in range(20)], 0.9, seed=1) == 1.0
    # Rows of one person are never on both sides.
    assert np.isnan(coverage_of_new_people(serves, ["p1", "p2"] * 10, 1.0, seed=1))
