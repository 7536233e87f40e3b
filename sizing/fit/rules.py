"""The stated rules: what excludes an implant, and what a person should look at. Thresholds are settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sizing.findings import Finding, Level
from sizing.fit.model import Fit
from sizing.fit.settings import FitSettings
from sizing.fit.tooling import Tooling
from sizing.implants.model import Fixation

# Nominal press-fit above this is beyond what hip stems use; colour, not physics.
_LARGEST_USUAL_INTERFERENCE_MM = 0.5
# A canal less full than this was the older "satisfactory" threshold of cementless stems.
_LEAST_USUAL_FILL = 0.6
# A wall of 1.5 mm minus a rounding error is still written as 1.5.
_ROUNDING = 1e-6
# A stem too long by this much is as far from serving as one that leaves no wall at all.
_UNIT_OF_LENGTH_MM = 20.0
# Shortfall of a thing that is not known: behind everything that is known.
_CANNOT_TELL = 10.0
# Facing takes more than a saw's unevenness beyond this angle.
_FACING_ANGLE_DEG = 3.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an implant cannot serve, and by what share of the requirement it fails."""

    words: str
    shortfall: float


def judge(s: FitSettings, tools: Tooling, fit: Fit) -> tuple[tuple[Reason, ...], tuple[Finding, ...]]:
    """Return a fit's reasons for exclusion, and its findings."""
    reasons = (*_room(s, fit), *_tools(s, tools), *_wall(s, fit), *_hold(s, fit))
    findings = (*_wall_findings(s, fit), *_tip_findings(s, fit), *_other_findings(fit))
    return reasons, findings


def _room(s: FitSettings, fit: Fit) -> Iterator[Reason]:
    missing = s.far_end_clearance_mm - fit.far_end_margin_mm
    if fit.protrusion_mm > 0:
        words = f"longer than the measured bone by {fit.protrusion_mm:.0f} mm"
        yield Reason(words, (fit.protrusion_mm + s.far_end_clearance_mm) / _UNIT_OF_LENGTH_MM)
    elif missing > 0:
        yield Reason(
            f"only {fit.far_end_margin_mm:.0f} mm of measured bone beyond the tip, "
            f"{s.far_end_clearance_mm:.0f} mm needed",
            missing / _UNIT_OF_LENGTH_MM,
        )
    if fit.seat_angle_deg > s.max_tilt_deg:
        words = f"stands {fit.seat_angle_deg:.0f} degrees off the cut's normal, {s.max_tilt_deg:g} allowed"
        yield Reason(words, fit.seat_angle_deg / max(s.max_tilt_deg, 1.0) - 1.0)


def _tools(s: FitSettings, tools: Tooling) -> Iterator[Reason]:
    off = abs(tools.bore_diameter_mm - tools.wanted_diameter_mm)
    if off > s.max_tool_mismatch_mm:
        yield Reason(
            f"asks for a {tools.wanted_diameter_mm:g} mm tool, "
            f"the nearest on the tray is {tools.bore_diameter_mm:g} mm",
            off,
        )


def _wall(s: FitSettings, fit: Fit) -> Iterator[Reason]:
    if fit.unmeasured_share > s.max_unmeasured_share:
        words = f"{fit.unmeasured_share:.0%} of the wall along the stem is not measured"
        yield Reason(words, fit.unmeasured_share)
    cut_at = f"{fit.reamed_wall_min_depth_mm:.0f} mm above the cut, {fit.reamed_wall_min_direction}"
    missing = (s.wall_limit_mm - fit.reamed_wall_min_mm) / max(s.wall_limit_mm, 1.0)
    if not np.isfinite(fit.wall_min_mm):
        yield Reason("the wall left cannot be told", _CANNOT_TELL)
    elif fit.reamed_wall_min_mm < 0:
        yield Reason(f"breaches the cortex {cut_at}", missing)
    elif fit.reamed_wall_min_mm < s.wall_limit_mm:
        what = "the thread" if fit.implant.fixation is Fixation.THREADED else "reaming"
        # Rounded down, so that a wall just under the limit is not written as the limit itself.
        left = np.floor(fit.reamed_wall_min_mm * 10 + _ROUNDING) / 10
        yield Reason(f"{what} leaves {left:.1f} mm of wall {cut_at}, {s.wall_limit_mm:g} mm needed", missing)


def _hold(s: FitSettings, fit: Fit) -> Iterator[Reason]:
    missing = s.min_contact_length_mm - fit.contact_length_mm
    if not np.isfinite(fit.contact_length_mm):
        yield Reason("the contact cannot be told", _CANNOT_TELL)
    elif missing > 0:
        yield Reason(
            f"contact is worth {fit.contact_length_mm:.0f} mm of length, "
            f"{s.min_contact_length_mm:.0f} mm needed: too loose",
            missing / s.min_contact_length_mm,
        )


def _wall_findings(s: FitSettings, fit: Fit) -> Iterator[Finding]:
    if fit.native_wall_min_mm < s.wall_limit_mm:
        yield _warning(
            "CF-F020",
            f"The bone's own wall along the stem is as thin as {fit.native_wall_min_mm:.1f} mm "
            f"(limit {s.wall_limit_mm:g} mm), before any reaming",
            "Look at this level in the scan",
            fit.native_wall_min_depth_mm,
            fit.native_wall_min_direction,
        )
    if s.wall_limit_mm <= fit.reamed_wall_min_mm < (s.wall_limit_mm + s.comfortable_wall_mm) / 2:
        yield _warning(
            "CF-F021",
            f"The tools thin the wall to {fit.reamed_wall_min_mm:.1f} mm (limit {s.wall_limit_mm:g} mm)",
            "Look at the size below",
            fit.reamed_wall_min_depth_mm,
            fit.reamed_wall_min_direction,
        )
    if fit.unmeasured_share > 0:
        yield _warning(
            "CF-F026",
            f"{fit.unmeasured_share:.1%} of the wall along the stem is not measured; the least wall may lie there",
            "Look at the unmeasured places in the wall map",
        )


def _tip_findings(s: FitSettings, fit: Fit) -> Iterator[Finding]:
    if abs(fit.tip_to_isthmus_mm) < s.isthmus_band_mm:
        yield _warning(
            "CF-F022",
            f"The stem's tip lies {abs(fit.tip_to_isthmus_mm):.0f} mm from the isthmus: a stress riser",
            "Consider another length",
            fit.tip_depth_mm,
        )
    if fit.wall_min_tip_mm < s.wall_limit_mm:
        yield _warning(
            "CF-F023",
            f"The stem's tip ends within 20 mm of a wall of {fit.wall_min_tip_mm:.1f} mm "
            f"(limit {s.wall_limit_mm:g} mm): a stress riser",
            "Consider another length",
            fit.tip_depth_mm,
        )


def _other_findings(fit: Fit) -> Iterator[Finding]:
    press_fit = fit.implant.fixation is Fixation.PRESS_FIT
    if press_fit and fit.diametral_interference_mm > _LARGEST_USUAL_INTERFERENCE_MM:
        yield _warning(
            "CF-F024",
            f"Nominal interference of {fit.diametral_interference_mm:.2f} mm in diameter is more than the usual "
            f"{_LARGEST_USUAL_INTERFERENCE_MM:g} mm",
            "Check the last reamer",
        )
    if fit.seat_angle_deg > _FACING_ANGLE_DEG:
        yield _warning(
            "CF-F025",
            f"The stem stands {fit.seat_angle_deg:.1f} degrees off the cut's normal: facing square takes up to "
            f"{fit.facing_loss_mm:.1f} mm on the long side",
            "Plan the cut square to the stem",
        )
    if press_fit and fit.canal_fill_volume < _LEAST_USUAL_FILL:
        yield _warning(
            "CF-F027",
            f"The stem fills {fit.canal_fill_volume:.0%} of the canal along its length "
            f"(usual: {_LEAST_USUAL_FILL:.0%} and more)",
            "Consider a larger or a custom stem",
        )


def _warning(
    code: str, message: str, advice: str, depth_mm: float | None = None, direction: str | None = None
) -> Finding:
    return Finding(Level.WARNING, code, f"{message}.", f"{advice}.", depth_mm, direction or None)
