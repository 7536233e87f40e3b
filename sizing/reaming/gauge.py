"""Trial gauges: does the hole take what must go in, and stop what must not?"""

from __future__ import annotations

from dataclasses import dataclass

from sizing.errors import ReamingError
from sizing.reaming.model import ReamedCanal, Reamer, ReamerPass, ReamingPlan, ToolKind
from sizing.reaming.simulate import ream
from sizing.strict import is_number

# Less bone than this in a gauge's way is rounding, mm³.
_FREE_MM3 = 1e-6


@dataclass(frozen=True, slots=True)
class Gauge:
    """Smooth rods: the go rod must reach its length freely, the no-go rod must be stopped before."""

    go_diameter_mm: float
    no_go_diameter_mm: float
    length_mm: float

    def __post_init__(self) -> None:
        numbers = (self.go_diameter_mm, self.no_go_diameter_mm, self.length_mm)
        if not all(is_number(x) and x > 0 for x in numbers) or self.no_go_diameter_mm <= self.go_diameter_mm:
            raise ReamingError("CF-R017", "a gauge is not usable", measured=", ".join(f"{x:g}" for x in numbers),
                               expected="sizes above 0, no-go larger than go")  # fmt: skip


@dataclass(frozen=True)
class GaugeResult:
    """What the rods find on the last pass's axis.

    Attributes
    ----------
    go_passes, no_go_stopped : bool
        Both must be true.
    go_stopped_at_mm : float or None
        Most distal level where bone holds the go rod; None = it passes.
    no_go_stopped_at_mm : float or None
    bone_in_way_of_go_mm3 : float
        Bone that the go rod would have to push aside; NaN = not measured.
    """

    go_passes: bool
    no_go_stopped: bool
    go_stopped_at_mm: float | None
    no_go_stopped_at_mm: float | None
    bone_in_way_of_go_mm3: float


def try_gauge(reamed: ReamedCanal, gauge: Gauge) -> GaugeResult:
    """Put a gauge's rods into the hole, along the axis of the last pass.

    A rod that passes would remove nothing if it were a reamer: that is how it is computed.
    """
    axis = reamed.plan.passes[-1].axis
    kind = ToolKind.CURVED if axis.bow_radius_mm else ToolKind.RIGID
    found = []
    for diameter in (gauge.go_diameter_mm, gauge.no_go_diameter_mm):
        rod = ReamerPass(Reamer(diameter, kind), axis, gauge.length_mm)
        last = ream(reamed.canal, ReamingPlan((*reamed.plan.passes, rod))).passes[-1]
        found.append((last.removed_cortical_mm3 + last.removed_outside_mm3, last.first_contact_depth_mm))
    (go_mm3, go_at), (no_go_mm3, no_go_at) = found
    return GaugeResult(go_mm3 <= _FREE_MM3, no_go_mm3 > _FREE_MM3, go_at, no_go_at, go_mm3)
