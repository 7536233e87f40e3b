"""Reaming as objects: tools, their axis, passes in order, and what each pass cut."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sizing.canal.model import Canal
from sizing.errors import ReamingError
from sizing.findings import Finding
from sizing.geometry import FloatArray, numbers_in
from sizing.reaming.tool_axis import ToolAxis
from sizing.strict import is_number


class ToolKind(StrEnum):
    """How a tool finds its way."""

    RIGID = "rigid"  # a cylinder on a straight axis
    FLEXIBLE = "flexible"  # a short barrel on a shaft that follows the canal
    CURVED = "curved"  # prepared along a circular arc, for bowed stems
    DRILL = "drill"  # core of a threaded fixture
    TAP = "tap"  # crest of a threaded fixture
    BROACH = "broach"  # the stem's own shape
    FACING = "facing"  # planes the cut end


class TipForm(StrEnum):
    """Front end of a tool; depth is always measured to the foremost point."""

    FLAT = "flat"
    CHAMFER = "chamfer"
    BULLET = "bullet"  # hemisphere


# A chamfer flatter than this is a flat tip by another name.
_WIDEST_HALF_ANGLE_DEG = 80.0
# Sizes are given with a digit or two; differences below this are the rounding of binary numbers.
_ROUNDING_MM = 1e-6


@dataclass(frozen=True, slots=True)
class Reamer:
    """One tool.

    Attributes
    ----------
    diameter_mm : float
        Largest cutting diameter; a drill's core, a tap's crest.
    kind, tip : ToolKind, TipForm
    chamfer_half_angle_deg : float
        Between the axis and the chamfer; only for ``TipForm.CHAMFER``.
    tip_flat_diameter_mm : float
        Flat nose in front of a chamfer; 0 = a full cone.
    barrel_length_mm : float or None
        None: cuts over its whole length.
    min_bend_radius_mm : float or None
        Only for flexible tools: the shaft bends no tighter.
    profile_mm : tuple of (station, radius) or None
        Only for broaches: stations from the shoulder to the tip and the radius there. Any (k, 2) is taken.
    part_number : str
    """

    diameter_mm: float
    kind: ToolKind = ToolKind.RIGID
    tip: TipForm = TipForm.FLAT
    chamfer_half_angle_deg: float = 45.0
    barrel_length_mm: float | None = None
    min_bend_radius_mm: float | None = None
    part_number: str = ""
    tip_flat_diameter_mm: float = 0.0
    profile_mm: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        if not (is_number(self.diameter_mm) and self.diameter_mm > 0):
            raise ReamingError("CF-R001", "a reamer's diameter must be positive and finite",
                               measured=f"{self.diameter_mm} mm")  # fmt: skip
        if not (is_number(self.chamfer_half_angle_deg) and 0 < self.chamfer_half_angle_deg <= _WIDEST_HALF_ANGLE_DEG):
            raise ReamingError("CF-R009", "a chamfer's half angle is not usable",
                               measured=f"{self.chamfer_half_angle_deg} degrees",
                               expected=f"above 0, up to {_WIDEST_HALF_ANGLE_DEG:g}")  # fmt: skip
        if not (is_number(self.tip_flat_diameter_mm) and 0 <= self.tip_flat_diameter_mm < self.diameter_mm):
            raise ReamingError("CF-R009", "a tool's flat nose must be smaller than the tool",
                               measured=f"{self.tip_flat_diameter_mm} of {self.diameter_mm} mm")  # fmt: skip
        for name in ("barrel_length_mm", "min_bend_radius_mm"):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and value > 0):
                raise ReamingError("CF-R009", f"{name} must be positive and finite, or None",
                                   measured=f"{value}")  # fmt: skip
        if self.profile_mm is not None:
            profile = numbers_in(self.profile_mm)
            ok = profile.ndim == 2 and profile.shape[1] == 2 and len(profile) >= 2 and np.all(np.isfinite(profile))
            if not (ok and np.all(np.diff(profile[:, 0]) >= 0) and np.all(profile[:, 1] >= 0)):
                raise ReamingError("CF-R009", "a broach's profile is not usable",
                                   expected="stations that grow from the shoulder to the tip, radii >= 0")  # fmt: skip
            object.__setattr__(self, "profile_mm", tuple((float(s), float(r)) for s, r in profile))


@dataclass(frozen=True)
class ReamerSet:
    """Tools of one tray, strictly increasing in diameter.

    Sizes may be missing between two tools: a tray is what it is. ``jumps_mm`` tells them, and ``ream`` says CF-R024 and
    a plan CF-F006 where the work has to jump.
    """

    set_id: str
    reamers: tuple[Reamer, ...]
    provenance: str = ""

    def __post_init__(self) -> None:
        if not all(isinstance(r, Reamer) for r in self.reamers):
            raise ReamingError("CF-R002", "a reamer set holds reamers", where=self.set_id,
                               measured=", ".join(type(r).__name__ for r in self.reamers))  # fmt: skip
        d = [r.diameter_mm for r in self.reamers]
        if not d or any(b <= a for a, b in pairwise(d)):
            raise ReamingError("CF-R002", "a reamer set must grow from size to size",
                               where=self.set_id, measured=", ".join(f"{x:g}" for x in d))  # fmt: skip

    @property
    def diameters_mm(self) -> FloatArray:
        """(k,) diameters."""
        return np.array([r.diameter_mm for r in self.reamers])

    def jumps_mm(self, widest_step_mm: float) -> tuple[tuple[float, float], ...]:
        """Return the neighbouring sizes (from, to) that lie more than a step apart."""
        sizes = [r.diameter_mm for r in self.reamers]
        return tuple((a, b) for a, b in pairwise(sizes) if b - a > widest_step_mm + _ROUNDING_MM)


@dataclass(frozen=True)
class ReamerPass:
    """One tool, driven along one axis until its foremost point is ``depth_mm`` past the entry."""

    reamer: Reamer
    axis: ToolAxis
    depth_mm: float

    def __post_init__(self) -> None:
        if not is_number(self.depth_mm):
            raise ReamingError("CF-R005", "the depth of a pass must be finite", measured=f"{self.depth_mm} mm")


@dataclass(frozen=True)
class ReamingPlan:
    """Passes in the order in which they are made."""

    passes: tuple[ReamerPass, ...]


@dataclass(frozen=True)
class PassResult:
    """What one pass took, given all passes before it. Arrays follow the canal's levels and angles.

    Attributes
    ----------
    removed_cortical_mm3, removed_cancellous_mm3, removed_medullary_mm3 : float
        New material of this pass: solid bone of the wall, bone lying on the endosteum, canal content.
    removed_outside_mm3 : float
        Volume of the tool's path beyond the periosteum (a breach when > 0).
    removed_cortical_mm2 : (m,) array
        New cortical area per level.
    contact_share : (m,) array
        Share of the tool's circumference lying in bone at each level, 0..1; NaN where unmeasured.
    contact : (m, n) bool array
        The tool reaches beyond the endosteum along this ray of the canal.
    wall_left_mm : (m, n) array
        Distance outward from the hole's wall to the periosteum along the ray; negative = breach.
    wall_min_mm, wall_min_depth_mm, wall_min_theta_rad : float
        Least normal distance from the hole to the periosteum and where; 0 when breached, NaN if nothing is measured.
    first_contact_depth_mm : float or None
        Most distal level this tool touches; None = no contact.
    engaged_cortical_mm2 : float
        Area of the tool's flank that lies in new cortical bone: a proxy for force, not a force.
    breach : bool
    removed_cancellous_mm2, removed_medullary_mm2, removed_outside_mm2 : (m,) arrays
        As ``removed_cortical_mm2``; all NaN at a level that is not wholly measured.
    wall_min_by_level_mm : (m,) array
        Least normal distance from the hole to the periosteum at each level the tool reaches, else NaN.
    measured_share : (m,) array
        Share of the turn that is measured at each level; volumes are of that part.
    flank_mm2 : float
        Area of the tool's flank between entry and tip, over the measured levels.
    """

    reamer_pass: ReamerPass
    removed_cortical_mm3: float
    removed_cancellous_mm3: float
    removed_medullary_mm3: float
    removed_outside_mm3: float
    removed_cortical_mm2: FloatArray
    contact_share: FloatArray
    contact: NDArray[np.bool_]
    wall_left_mm: FloatArray
    wall_min_mm: float
    wall_min_depth_mm: float
    wall_min_theta_rad: float
    first_contact_depth_mm: float | None
    engaged_cortical_mm2: float
    breach: bool
    removed_cancellous_mm2: FloatArray
    removed_medullary_mm2: FloatArray
    removed_outside_mm2: FloatArray
    wall_min_by_level_mm: FloatArray
    measured_share: FloatArray
    flank_mm2: float

    @property
    def contact_area_share(self) -> float:
        """Share of the tool's flank that lies in new cortical bone; NaN when no flank is in the measured canal."""
        return self.engaged_cortical_mm2 / self.flank_mm2 if self.flank_mm2 > 0 else float("nan")


@dataclass(frozen=True)
class ReamedCanal:
    """A canal after a reaming plan.

    Attributes
    ----------
    bore_radius_mm : (m, n) array
        The new inner surface along the canal's rays: the larger of endosteum and hole.
    first_contact_diameter_mm, first_contact_depth_mm : float or None
        The first tool to touch the cortex ("chatter") and its most distal level of contact.
    contact_begins_diameter_mm : float
        Diameter at which a tool on the last pass's axis and depth would begin to touch; NaN if not measured.
    """

    canal: Canal
    plan: ReamingPlan
    passes: tuple[PassResult, ...]
    bore_radius_mm: FloatArray
    first_contact_diameter_mm: float | None
    first_contact_depth_mm: float | None
    findings: tuple[Finding, ...] = ()
    contact_begins_diameter_mm: float = float("nan")

    @property
    def harvested_cortical_mm3(self) -> float:
        """Solid cortical bone of all passes together."""
        return float(sum(p.removed_cortical_mm3 for p in self.passes))

    @property
    def harvested_cancellous_mm3(self) -> float:
        """Solid cancellous bone of all passes together."""
        return float(sum(p.removed_cancellous_mm3 for p in self.passes))
