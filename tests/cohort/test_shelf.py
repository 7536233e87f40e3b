"""The smallest set of sizes: against trying all sets, and against answers known on paper."""

import csv
import io
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from canalfit.cohort.columns import CASES, FITS
from canalfit.cohort.settings import Shelf
from canalfit.cohort.shelf import coverage_by_count, coverage_of_new_people, share_interval, smallest_set
from canalfit.cohort.shelf_tables import shelf_texts
from canalfit.tables import csv_text
from sizing.intervals import wilson


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
    none = smallest_set(np.zeros((4, 3), bool), 0.0)
    assert none.reachable and none.sizes == ()


def test_greedy_would_take_three_where_two_are_enough() -> None:
    # Size 0 serves four of six, but whoever takes it needs both others as well.
    serves = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1], [0, 1, 0], [0, 0, 1]], bool)
    assert smallest_set(serves, 1.0).sizes == (1, 2)
    assert coverage_by_count(serves, 5) == [4, 6]


def test_interval_of_a_share_is_that_of_the_book() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert share_interval(81, 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert share_interval(0, 20, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert share_interval(40, 40, 10) == wilson(1.0, 10)
    assert all(map(math.isnan, share_interval(0, 0, 0)))


def test_a_set_chosen_on_a_sample_is_judged_on_other_people() -> None:
    # Everybody needs a size of his own: what was chosen for others serves nobody new.
    serves = np.eye(20, dtype=bool)
    assert coverage_of_new_people(serves, [f"p{i}" for i in range(20)], 1.0, seed=1) == 0.0
    same = np.ones((20, 2), bool)
    assert coverage_of_new_people(same, [f"p{i}" for i in range(20)], 0.9, seed=1) == 1.0
    # Where a fold leaves nobody to choose for, nobody new is served.
    rare = np.zeros((20, 2), bool)
    rare[3, 0] = True
    assert coverage_of_new_people(rare, [f"p{i}" for i in range(20)], 0.05, seed=1) == 0.0
    # Rows of one person are never on both sides.
    assert np.isnan(coverage_of_new_people(serves, ["p1", "p2"] * 10, 1.0, seed=1))


def test_doubt_makes_the_shelf_larger_and_never_smaller() -> None:
    # Whoever a size serves for certain is among those whom it serves as measured.
    random = np.random.default_rng(3)
    for _ in range(10):
        serves = random.random((30, 8)) < 0.35
        certain = serves & (random.random(serves.shape) < 0.8)
        for share in (0.5, 0.7):
            few, many = smallest_set(serves, share), smallest_set(certain, share)
            assert by_trying_all(certain, share) == (len(many.sizes) if many.reachable else None)
            assert not many.reachable or (few.reachable and len(few.sizes) <= len(many.sizes))


def test_tables_count_doubt_people_and_repeats(tmp_path: Path) -> None:
    """Four bones of three people and two sizes, written by hand: the answers are known on paper."""
    bones = [("a", "p1", "no"), ("b", "p1", "no"), ("c", "p2", "no"), ("d", "p3", "no"), ("e", "p3", "yes")]
    cases = [{"case": c, "bone": "femur", "side": "left", "level": "20 mm", "patient": p, "repeat": r, "exit_code": "0",
              "nearest_part_number": "S1", "nearest_reason": "too thick"} for c, p, r in bones]  # fmt: skip
    chances = {"a": (0.99, 0.6), "b": (0.95, None), "c": (None, 0.92), "d": (None, None), "e": (0.99, 0.99)}
    fits = [
        {"case": c, "bone": "femur", "side": "left", "level": "20 mm", "part_number": f"S{j + 1}", "family_id": "s",
         "diameter_mm": f"{10 + j}.000", "length_mm": "80.000", "can_serve": "no" if chance is None else "yes",
         "serve_probability": "" if chance is None else f"{chance:.3f}"}
        for c, both in chances.items() for j, chance in enumerate(both)
    ]  # fmt: skip
    for name, rows, columns in (("cases", cases, CASES), ("fits", fits, FITS)):
        names = [c.name for c in columns]
        (tmp_path / f"{name}.csv").write_text(csv_text(names, [[row.get(n) for n in names] for row in rows]))
    texts = shelf_texts(tmp_path, Shelf(shares=(0.5, 0.75, 0.9), certainty=0.9))
    sets = list(csv.DictReader(io.StringIO(texts["shelf.csv"].decode())))
    # As measured S1 serves a, b and S2 serves a, c; for certain S2 serves only c. d needs custom, e is a repeat.
    assert [(r["doubt"], r["share_asked"], r["n_sizes"]) for r in sets] == [
        ("as measured", "0.500", "1"), ("as measured", "0.750", "2"), ("as measured", "0.900", ""),
        ("certain to 90%", "0.500", "1"), ("certain to 90%", "0.750", "2"), ("certain to 90%", "0.900", ""),
    ]  # fmt: skip
    assert {(r["n_rows"], r["n_people"]) for r in sets} == {("4", "3")}
    assert "serves 75.0% (95% interval" in sets[2]["says"] and "2 sizes serve as many" in sets[2]["says"]
    low, high = share_interval(3, 4, 3)
    assert (sets[1]["share_low"], sets[1]["share_high"]) == (f"{low:.3f}", f"{high:.3f}")
    [custom] = csv.DictReader(io.StringIO(texts["custom.csv"].decode()))
    assert (custom["case"], custom["reason"]) == ("d", "too thick")
    sizes = list(csv.DictReader(io.StringIO(texts["shelf_sizes.csv"].decode())))
    both = [(r["part_number"], r["n_served"], r["n_served_by_no_other"]) for r in sizes if r["share_asked"] == "0.750"]
    assert both == [("S1", "2", "1"), ("S2", "2", "1"), ("S1", "2", "2"), ("S2", "1", "1")]
