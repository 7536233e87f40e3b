"""What a person should look at before a fit is used. Thresholds are settings; see docs/method/fit.md."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sizing.canal import CorticalDefect
from sizing.findings import Finding, Level
from sizing.fit.context import FitContext
from sizing.fit.model import Fit
from sizing.fit.settings import FitSettings
from sizing.fit.zones import ENTRY_MM, TIP_BAND_MM
from sizing.implants.model import Fixation
from sizing.spelling import wall_text

# Nominal press-fit above this is beyond what hip stems use; colour, not physics.
_LARGEST_USUAL_INTERFERENCE_MM = 0.5
# A canal less full than this was the older "satisfactory" threshold of cementless stems.
_LEAST_USUAL_FILL = 0.6
# Facing takes more than a saw's unevenness beyond this angle.
_FACING_ANGLE_DEG = 3.0
# Levels begin at the cut; a first level further above it than this is a gap and not a step.
_BLIND_MM = 2.0
# Less than a ray in a thousand is not worth a sentence: a vessel's canal is more.
_LEAST_NAMED_SHARE = 1e-3
# Below one in a hundred it is said, but does not stand before what matters more.
_LEAST_WARNED_SHARE = 1e-2


def remarks(context: FitContext, fit: Fit) -> tuple[Finding, ...]:
    """Return what should be looked at, most serious first.

    Parameters
    ----------
    context : FitContext
        Gives the thresholds, the holes in the cortex, and whether the cut can still be changed.
    fit : Fit
        Measured, and not yet scored.
    """
    s = context.settings
    return (
        *_defects(s, fit, context.canal.defects),
        *_wall(s, fit),
        *_tip(s, fit),
        *_hold(s, fit),
        *_cut(context, fit),
        *_other(fit),
    )


def _defects(s: FitSettings, fit: Fit, defects: tuple[CorticalDefect, ...]) -> Iterator[Finding]:
    """A hole beside the stem: the wall there is none, and what is round it may be too thin as well."""
    for d in defects:
        if not (d.from_depth_mm < fit.tip_depth_mm and d.to_depth_mm > 0):
            continue
        round_it = fit.wall_round_defects_mm
        wall = "cannot be told" if math.isnan(round_it) else f"is {wall_text(round_it)} mm"
        yield Finding(
            Level.WARNING if round_it >= s.wall_limit_mm else Level.CRITICAL,
            "CF-F028",
            f"The stem passes a hole in the cortex from {d.from_depth_mm:.0f} to {d.to_depth_mm:.0f} mm, about "
            f"{d.width_mm:.0f} mm wide; the least wall left at these levels {wall} (limit {s.wall_limit_mm:g} mm).",
            "Decide what the hole is; cut above it, bypass it or fill it.",
            d.depth_mm,
            d.direction,
        )


def _wall(s: FitSettings, fit: Fit) -> Iterator[Finding]:
    if fit.native_wall_min_mm < s.wall_limit_mm:
        yield _warning(
            "CF-F020",
            f"The bone's own wall along the stem is as thin as {wall_text(fit.native_wall_min_mm)} mm "
            f"(limit {s.wall_limit_mm:g} mm), before any reaming",
            "Look at this level in the scan",
            fit.native_wall_min_depth_mm,
            fit.native_wall_min_direction,
        )
    if s.wall_limit_mm <= fit.reamed_wall_min_mm < (s.wall_limit_mm + s.comfortable_wall_mm) / 2:
        yield _warning(
            "CF-F021",
            f"The tools thin the wall to {wall_text(fit.reamed_wall_min_mm)} mm (limit {s.wall_limit_mm:g} mm)",
            "Look at the size below",
            fit.reamed_wall_min_depth_mm,
            fit.reamed_wall_min_direction,
        )
    if fit.unmeasured_share >= _LEAST_NAMED_SHARE:
        yield Finding(
            Level.WARNING if fit.unmeasured_share >= _LEAST_WARNED_SHARE else Level.INFO,
            "CF-F026",
            f"{fit.unmeasured_share:.1%} of the wall along the stem is not measured; the least wall may lie there.",
            "Look at the unmeasured places in the wall map.",
        )


def _tip(s: FitSettings, fit: Fit) -> Iterator[Finding]:
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
            f"The stem's tip ends within {TIP_BAND_MM:.0f} mm of a wall of {wall_text(fit.wall_min_tip_mm)} mm "
            f"(limit {s.wall_limit_mm:g} mm): a stress riser",
            "Consider another length",
            fit.tip_depth_mm,
        )
    if fit.tip_to_defect_mm <= TIP_BAND_MM:
        yield _warning(
            "CF-F029",
            f"The stem's tip ends {fit.tip_to_defect_mm:.0f} mm from a hole in the cortex: a stress riser",
            "Consider another length",
            fit.tip_depth_mm,
        )


def _hold(s: FitSettings, fit: Fit) -> Iterator[Finding]:
    if s.min_contact_length_mm <= fit.contact_length_mm < s.usual_contact_length_mm:
        yield _warning(
            "CF-F030",
            f"Contact is worth {fit.contact_length_mm:.0f} mm of length; stems in leg bones needed "
            f"{s.usual_contact_length_mm:.0f} mm to hold",
            "The lower limit for an arm is a judgement, not a measured number",
        )


def _cut(context: FitContext, fit: Fit) -> Iterator[Finding]:
    """A cut face that is not seen. Off the square: bone to be lost on a stump; on a cut still to be made, its angle."""
    plane, first = context.canal.resection, context.canal.axis.points_lps[0]
    assert plane is not None  # set by Canal at birth
    blind = float(plane.signed_distance_mm(first))
    if blind > _BLIND_MM or fit.condition:
        unseen = f"{fit.entry_unmeasured_share:.0%} of the wall in the first {ENTRY_MM:.0f} mm above the cut is not"
        what = (
            f"Nothing is measured from the cut to {blind:.0f} mm above it"
            if blind > _BLIND_MM
            else f"{unseen} measured"
        )
        look = "Look at the end of the bone in the scan"
        yield Finding(
            Level.CRITICAL if fit.condition else Level.WARNING,
            "CF-F031",
            f"{what}: wall, contact and the collar's seat cannot be told there.",
            f"{look}: use this implant {fit.condition}, or cut higher." if fit.condition else f"{look}.",
            0.0,
        )
    if fit.seat_angle_deg > _FACING_ANGLE_DEG and context.cut_is_planned:
        yield Finding(
            Level.INFO,
            "CF-F025",
            f"The cut is square to the bone; square to the stem it is {fit.seat_angle_deg:.1f} degrees off that.",
            "Make the cut square to the stem.",
        )
    elif fit.seat_angle_deg > _FACING_ANGLE_DEG:
        loss = fit.facing_loss_mm
        takes = "bone that cannot be told" if math.isnan(loss) else f"up to {loss:.1f} mm"
        yield _warning(
            "CF-F025",
            f"The stem stands {fit.seat_angle_deg:.1f} degrees off the cut's normal: facing square takes {takes} "
            "on the long side",
            "Face the end square to the stem",
        )


def _other(fit: Fit) -> Iterator[Finding]:
    press_fit = fit.implant.fixation is Fixation.PRESS_FIT
    if press_fit and fit.diametral_interference_mm > _LARGEST_USUAL_INTERFERENCE_MM:
        yield _warning(
            "CF-F024",
            f"Nominal interference of {fit.diametral_interference_mm:.2f} mm in diameter is more than the usual "
            f"{_LARGEST_USUAL_INTERFERENCE_MM:g} mm",
            "Check the last reamer",
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
