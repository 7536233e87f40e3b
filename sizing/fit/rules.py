"""The stated rules: what excludes an implant. Thresholds are settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sizing.fit.model import Fit
from sizing.fit.settings import FitSettings
from sizing.fit.tooling import Tooling
from sizing.implants.model import Fixation
from sizing.spelling import wall_text

# A stem too long by this much is as far from serving as one that leaves no wall at all.
_UNIT_OF_LENGTH_MM = 20.0
# Shortfall of a thing that is not known: behind everything that is known.
_CANNOT_TELL = 10.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an implant cannot serve, and by what share of the requirement it fails."""

    words: str
    shortfall: float


def reasons_against(s: FitSettings, tools: Tooling, fit: Fit) -> tuple[Reason, ...]:
    """Return a fit's reasons for exclusion; empty = it can serve."""
    return (*_room(s, fit), *_entry(s, fit), *_tools(s, tools), *_wall(s, fit), *_hold(s, fit))


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


def _entry(s: FitSettings, fit: Fit) -> Iterator[Reason]:
    """A face that is not measured all round excludes nothing by itself: the share that is not measured does."""
    missing = s.entry_inside_mm - fit.entry_inside_mm
    if fit.entry_inside_mm < 0:
        yield Reason(f"enters {-fit.entry_inside_mm:.1f} mm beside the cut face", 1.0 + missing / _UNIT_OF_LENGTH_MM)
    elif missing > 0:
        yield Reason(
            f"enters {fit.entry_inside_mm:.1f} mm from the edge of the cut face, {s.entry_inside_mm:g} mm needed",
            missing / s.entry_inside_mm,
        )


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
        left = wall_text(fit.reamed_wall_min_mm)
        yield Reason(f"{what} leaves {left} mm of wall {cut_at}, {s.wall_limit_mm:g} mm needed", missing)


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
