"""The answer for the shelf: which sizes serve whom, and the smallest set that serves a share of people. Exact.

See ``docs/method/cohort.md``. Pure: arrays in, numbers out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.intervals import wilson

N_FOLDS = 5
# A set that cannot be proven smallest within this time is called what it is.
SOLVER_SECONDS = 30.0
# Of two smallest sets the one whose sizes serve more people each is named; far below the cost of one size.
_TIE = 1e-3

Serves = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SmallestSet:
    """Indices of sizes, whom they serve, and whether no smaller set can.

    Attributes
    ----------
    sizes : tuple of int
        Empty where the share cannot be reached.
    covered : int
        Rows that are served by the set.
    proven : bool
    reachable : bool
        The whole catalogue reaches the share.
    """

    sizes: tuple[int, ...]
    covered: int
    proven: bool
    reachable: bool


def smallest_set(serves: Serves, share: float) -> SmallestSet:
    """Return the smallest set of sizes that serves at least a share of all rows.

    Parameters
    ----------
    serves : (n, m) bool array
        Rows by sizes.
    share : float
        Of all rows, also those that nothing serves.
    """
    n = len(serves)
    needed = math.ceil(share * n - 1e-9)
    if n == 0 or int(serves.any(axis=1).sum()) < needed:
        return SmallestSet((), 0, True, False)
    if needed == 0:
        return SmallestSet((), 0, True, True)
    kept = _not_dominated(serves)
    patterns, weights = np.unique(serves[:, kept], axis=0, return_counts=True)
    something = patterns.any(axis=1)
    chosen, proven = _solve(patterns[something], weights[something].astype(float), needed)
    sizes = tuple(int(kept[j]) for j in chosen)
    return SmallestSet(sizes, int(serves[:, sizes].any(axis=1).sum()), proven, True)


def _not_dominated(serves: Serves) -> NDArray[np.intp]:
    """Return the columns that no other column serves all of; of equal columns the first."""
    a = serves.astype(np.float64)
    common = a.T @ a
    count = np.diag(common)
    inside = common >= count[:, None]  # [j, k]: k serves everybody that j serves
    larger = (count[None, :] > count[:, None]) | (np.arange(len(count))[None, :] < np.arange(len(count))[:, None])
    return np.flatnonzero((count > 0) & ~(inside & larger).any(axis=1))


def _solve(patterns: Serves, weights: NDArray, needed: int) -> tuple[NDArray[np.intp], bool]:
    """Minimise the number of sizes x; a pattern counts as served (y) only if one of its sizes is taken."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack

    p, m = patterns.shape
    served = weights @ patterns
    cost = np.concatenate([1.0 + _TIE / m * (1.0 - served / weights.sum()), np.zeros(p)])
    only_if = LinearConstraint(hstack([csr_array(patterns.astype(float)), -eye_array(p)]), 0.0, np.inf)
    enough = LinearConstraint(np.concatenate([np.zeros(m), weights])[None, :], needed, np.inf)
    # Patterns may be whole numbers of people: y needs no integrality where x has it, but the total does.
    found = milp(
        cost,
        constraints=[only_if, enough],
        integrality=np.ones(m + p),
        bounds=Bounds(0.0, 1.0),
        options={"time_limit": SOLVER_SECONDS, "mip_rel_gap": 0.0},
    )
    if found.x is None:  # out of time without any answer: take all
        return np.arange(m), False
    return np.flatnonzero(found.x[:m] > 0.5), found.status == 0


def share_interval(hits: int, n: int, n_people: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of rows, that of so many people: rows of one person are alike."""
    return wilson(hits / n if n else float("nan"), min(n_people, n))


def coverage_of_new_people(serves: Serves, people: Sequence[str], share: float, seed: int) -> float:
    """Return the share of rows served by a set that was chosen without their people (five folds by person).

    A set chosen on a sample serves that sample better than anybody else; NaN with fewer people than folds.
    """
    names = sorted(set(people))
    if len(names) < N_FOLDS:
        return float("nan")
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[i]: k % N_FOLDS for k, i in enumerate(order)}
    fold = np.array([fold_of[p] for p in people])
    hits = 0
    for k in range(N_FOLDS):
        train, test = serves[fold != k], serves[fold == k]
        reach = float(train.any(axis=1).mean())
        sizes = list(smallest_set(train, min(share, reach)).sizes)
        hits += int(test[:, sizes].any(axis=1).sum())
    return hits / len(serves)


def coverage_by_count(serves: Serves, most: int) -> list[int]:
    """Return how many rows the best k sizes serve, for k = 1 up to ``most`` or until all that can be are served."""
    reach = int(serves.any(axis=1).sum())
    counts: list[int] = []
    for k in range(1, most + 1):
        counts.append(_best_of(serves, k))
        if counts[-1] >= reach:
            break
    return counts


def _best_of(serves: Serves, k: int) -> int:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack

    kept = _not_dominated(serves)
    patterns, weights = np.unique(serves[:, kept], axis=0, return_counts=True)
    p, m = patterns.shape
    only_if = LinearConstraint(hstack([csr_array(patterns.astype(float)), -eye_array(p)]), 0.0, np.inf)
    few = LinearConstraint(np.concatenate([np.ones(m), np.zeros(p)])[None, :], 0.0, k)
    found = milp(
        np.concatenate([np.zeros(m), -weights.astype(float)]),
        constraints=[only_if, few],
        integrality=np.concatenate([np.ones(m), np.zeros(p)]),
        bounds=Bounds(0.0, 1.0),
        options={"time_limit": SOLVER_SECONDS},
    )
    taken = kept[np.flatnonzero(found.x[:m] > 0.5)] if found.x is not None else kept[:0]
    return int(serves[:, taken].any(axis=1).sum())
