"""Which size would be taken, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray


@dataclass(frozen=True)
class SizeDoubt:
    """Probability of every size, k sizes.

    A drawn bone takes the smallest size that cuts as much of its cortex as the planned size cuts of the planned
    bone; where that leaves too thin a wall, the largest size that does not; where every size does, none. A planned
    size that touches no cortex is a choice of the plan and not of the bone: it is kept as long as the wall is.

    Attributes
    ----------
    diameters_mm, probability : (k,) arrays
    none_probability : float
        No size of the tray leaves the wall that is asked for.
    se : (k,) array
        Sampling error of the probabilities alone.
    likely_mm : float
        The most probable size; NaN when "none" is.
    coin_toss : bool
        A second size is so probable that both belong on the table.
    second_mm : float
        The second most probable size; NaN where no other was drawn.
    """

    diameters_mm: FloatArray
    probability: FloatArray
    none_probability: float
    se: FloatArray
    likely_mm: float
    coin_toss: bool
    second_mm: float

    def words(self) -> str:
        """Return for example ``16.0 mm: 71 ± 1 %, 15.5 mm: 24 ± 1 %``, the most probable first, down to 1 %."""
        order = np.argsort(-self.probability, kind="stable")
        parts = [f"{self.diameters_mm[i]:.1f} mm: {self.share_words(i)}" for i in order if self.probability[i] >= 0.01]
        if self.none_probability >= 0.01:
            parts.append(f"no size: {100 * self.none_probability:.0f} %")
        return ", ".join(parts)

    def share_words(self, row: int) -> str:
        """Return for example ``71 ± 1 %``: a size's probability and its sampling error, which is never called 0."""
        return f"{100 * self.probability[row]:.0f} ± {max(1, round(100 * float(self.se[row])))} %"


def size_doubt(
    planned_cut_mm3: FloatArray,
    drawn_cut_mm3: FloatArray,
    wall_ok: NDArray[np.bool_],
    diameters_mm: FloatArray,
    planned: int,
    coin_toss: float,
) -> SizeDoubt:
    """Choose a size for every drawn bone.

    Parameters
    ----------
    planned_cut_mm3 : (k,) array
        Cortical bone that a hole of every size takes, as planned. It grows with the size also where the whole
        turn is in bone, where an engaged area would not.
    drawn_cut_mm3 : (q, k) array
        The same in q drawn bones.
    wall_ok : (q, k) bool array
        The wall left is thick enough.
    diameters_mm : (k,) array
        Sizes.
    planned : int
        Which size is planned.
    coin_toss : float
        Probability of the second size from which the choice is a coin toss.
    """
    q, k = drawn_cut_mm3.shape
    below = planned_cut_mm3[planned - 1] if planned else 0.0
    goal = 0.5 * (planned_cut_mm3[planned] + below)  # half-way, so that the plan itself gives the planned size
    if goal > 0.0:
        enough = drawn_cut_mm3 >= goal
        wanted = np.where(enough.any(axis=1), enough.argmax(axis=1), k - 1)
    else:
        wanted = np.full(q, planned)
    largest_ok = np.where(wall_ok.any(axis=1), k - 1 - wall_ok[:, ::-1].argmax(axis=1), -1)
    taken = np.minimum(wanted, largest_ok)
    count = np.bincount(taken + 1, minlength=k + 1)
    probability = count[1:] / q
    order = np.argsort(-probability, kind="stable")
    none = float(count[0] / q)
    second = float(probability[order[1]]) if k > 1 else 0.0
    p = (count[1:] + 2.0) / (q + 4.0)
    return SizeDoubt(
        diameters_mm,
        probability,
        none,
        np.sqrt(p * (1.0 - p) / (q + 4.0)),
        float(diameters_mm[order[0]]) if probability[order[0]] >= none else float("nan"),
        second >= coin_toss,
        float(diameters_mm[order[1]]) if second > 0 else float("nan"),
    )
