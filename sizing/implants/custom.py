"""Design a custom stem: grown from the prepared canal, as large as it may be and still go in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing.errors import InputError
from sizing.findings import Finding, Level
from sizing.geometry import FloatArray, frozen_array
from sizing.implants.cavity import Cavity
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.insertion import Insertion, check_insertion, insertable_limit
from sizing.implants.model import Fixation, ImplantTemplate, Preparation, Provenance
from sizing.implants.room import check_cut, meant_interference_mm, room_mm, why_untouched
from sizing.implants.sections import (
    FINE,
    ROUND,
    best_offset_mm,
    best_superellipse,
    curvature_radius_mm,
    free_form_stem,
    knots_mm,
    profile_below,
    rows_that_hold,
    seen_from,
    smooth_free_form,
    with_tip,
)
from sizing.implants.shape import Splines, StemShape
from sizing.implants.solid import Collar, StemSolid

# Rows of a free form: closer ones follow the noise of the measurement along the canal.
_FREE_FORM_STEP_MM = 5.0
# An unmeasured gap this wide, about 2 mm on the endosteum, holds no feature that a stem could miss.
_BRIDGED_DEG = 15.0
# At the cut a gap is bridged from one side only: over no more than one slice of a usual planning CT.
_BRIDGED_MM = 3.0


@dataclass(frozen=True)
class CustomDesign:
    """A custom stem with the proof that it goes in, and what is left of the wall.

    Attributes
    ----------
    implant : ImplantTemplate
        Goes through the same placing, scoring, report and viewer as a stock stem.
    solid : StemSolid
    settings : CustomSettings
    cavity : Cavity
        The hole it was grown from, broach included.
    meant_interference_mm : (k,) array
        Radial, per station of the cavity.
    insertion : Insertion
    wall_left_mm : (k, n) array
        Periosteum minus hole after preparation, radial from the stem's axis.
    findings : tuple of Finding
    untouched : dict
        Why parts of the flank touch no bone: reason and share of the flank (``why_untouched``).
    """

    implant: ImplantTemplate
    solid: StemSolid
    settings: CustomSettings
    cavity: Cavity
    meant_interference_mm: FloatArray
    insertion: Insertion
    wall_left_mm: FloatArray
    findings: tuple[Finding, ...]
    untouched: dict[str, float]

    @property
    def wall_min_mm(self) -> float:
        """Least wall over the stem's length; NaN if nothing is measured."""
        within = self.cavity.station_mm <= self.implant.length_mm
        return float(np.nanmin(self.wall_left_mm[within])) if np.isfinite(self.wall_left_mm[within]).any() else np.nan


def design_custom(cavity: Cavity, settings: CustomSettings, *, length_mm: float, last_reamer_mm: float) -> CustomDesign:
    """Grow a stem from a prepared canal.

    Parameters
    ----------
    cavity : Cavity
        Stations from 0, evenly spaced, to at least ``length_mm``.
    settings : CustomSettings
        All choices.
    length_mm : float
        From the facing plane to the tip.
    last_reamer_mm : float
        Diameter of the last reamer; 0 when unreamed.

    Returns
    -------
    CustomDesign
        Always insertable: the stem is limited, station by station, by the narrowest place it has to pass.

    Raises
    ------
    InputError
        CF-I040 when the canal is not measured as far as the stem reaches, CF-I041 when the stem becomes thinner
        than can be made, with the level.
    """
    within = cavity.station_mm <= length_mm + 1e-9
    _check_measured(cavity, within, length_mm)
    findings: list[Finding] = []
    meant = meant_interference_mm(cavity, within, settings)
    check_cut(cavity, within, settings)
    room = replace(cavity, hole_radius_mm=room_mm(cavity, settings))
    station = cavity.station_mm[within]
    limit = _filled(insertable_limit(room, meant)[within], station, last_reamer_mm / 2, findings)
    hole = np.where(np.isfinite(cavity.hole_radius_mm[within]), cavity.hole_radius_mm[within], limit)
    shape = _grow(limit, hole, cavity, length_mm, settings)
    _check_makeable(shape, settings)
    prepared = _broached(cavity, shape, meant) if settings.broach_per_side_mm else cavity
    insertion = check_insertion(shape, prepared, meant)
    wall = frozen_array(prepared.periosteal_radius_mm - prepared.hole_radius_mm)
    findings += _wall_findings(wall[within], cavity.station_mm[within], settings)
    gap = np.stack([cavity.station_mm[within], -meant[within]], axis=1)
    implant = _template(shape, settings, last_reamer_mm, gap)
    assert implant.collar_diameter_mm is not None
    solid = StemSolid(shape, Collar(implant.collar_diameter_mm, settings.collar_thickness_mm), settings.holes)
    untouched = why_untouched(shape, cavity, prepared.hole_radius_mm, room.hole_radius_mm, meant, settings)
    return CustomDesign(
        implant, solid, settings, prepared, frozen_array(meant), insertion, wall, tuple(findings), untouched
    )


def _check_measured(cavity: Cavity, within: np.ndarray, length_mm: float) -> None:
    """Every station of the stem must be measured on some side: between sides is bridged, between levels is not."""
    measured = np.isfinite(cavity.hole_radius_mm[within]).any(axis=1)
    if measured.all() and cavity.station_mm[-1] >= length_mm - 1e-6:
        return
    station = cavity.station_mm[within]
    level = station[~measured][0] if not measured.all() else cavity.station_mm[-1]
    advice = "Choose a shorter length_mm"
    if measured.any() and level < station[measured][0]:
        advice = f"It is measured from {station[measured][0]:.0f} mm on: cut the bone there, or look why it is not seen"
    raise InputError(
        "CF-I040",
        "the canal is not measured all along the stem",
        where=f"{level:.0f} mm above the facing plane",
        expected=f"measured from 0 to {length_mm:g} mm",
        advice=advice,
    )


def _broached(cavity: Cavity, shape: StemShape, meant: FloatArray) -> Cavity:
    """The hole after a broach of the stem's own shape: it cuts only where the stem passes."""
    within = cavity.station_mm <= shape.length_mm
    stem = np.full(cavity.hole_radius_mm.shape, -np.inf)
    stem[within] = shape.radius_mm(cavity.station_mm[within], cavity.phi_rad)
    # A station of the hole is passed by every part of the stem that lies beyond it.
    swept = np.maximum.accumulate(stem[::-1], axis=0)[::-1] - meant[:, None]
    return replace(cavity, hole_radius_mm=np.maximum(cavity.hole_radius_mm, swept))


def _filled(limit: FloatArray, station_mm: FloatArray, tool_radius_mm: float, findings: list[Finding]) -> FloatArray:
    """Bridge narrow unmeasured gaps round the canal; in wide ones the stem stays within the last reamer."""
    unknown = ~np.isfinite(limit)
    if not unknown.any():
        return limit
    findings.append(
        Finding(
            Level.WARNING,
            "CF-I042",
            f"{100 * unknown.mean():.1f} % of the canal's surface along the stem is not measured; gaps up to "
            f"{_BRIDGED_DEG:g} degrees, or {_BRIDGED_MM:g} mm from the cut, are bridged, in others the stem stays "
            "within the last reamer",
            "Look at these levels before the stem is made",
        )
    )
    bridged = _entry_bridged(limit, station_mm)
    for level in np.flatnonzero(~np.isfinite(bridged).all(axis=1)):
        bridged[level] = _bridged(bridged[level])
    narrowest = np.nanmin(limit, axis=1)
    safe = narrowest if tool_radius_mm == 0 else np.minimum(narrowest, tool_radius_mm)
    return np.minimum.accumulate(np.where(np.isfinite(bridged), bridged, safe[:, None]), axis=0)


def _entry_bridged(limit: FloatArray, station_mm: FloatArray) -> FloatArray:
    """Continue the first measured level straight to the cut where it lies within _BRIDGED_MM of it."""
    known = np.isfinite(limit)
    first = known.argmax(axis=0)
    near = known.any(axis=0) & (station_mm[first] <= _BRIDGED_MM)
    before = (np.arange(len(limit))[:, None] < first) & near
    return np.where(before, limit[first, np.arange(limit.shape[1])], limit)


def _bridged(row: FloatArray) -> FloatArray:
    """Fill gaps of one section (n,) that are at most _BRIDGED_DEG wide from both their edges."""
    n = len(row)
    known = np.flatnonzero(np.isfinite(row))
    filled = np.interp(np.arange(n), known, row[known], period=n)
    gap = np.diff(np.append(known, known[0] + n))
    for start, width in zip(known, gap, strict=True):
        if (width - 1) * 360.0 / n > _BRIDGED_DEG:
            filled[np.arange(start + 1, start + width) % n] = np.nan
    return filled


def _grow(limit: FloatArray, hole: FloatArray, cavity: Cavity, length_mm: float, settings: CustomSettings) -> StemShape:
    """The body of the chosen kind under the limit (k, n), with its tip and splines."""
    station, bow = cavity.station_mm[: len(limit)], cavity.axis.bow_radius_mm
    ribs = None
    if settings.spline_count:
        # The ribs reach the limit; the body between them stays inside by their height.
        end = settings.spline_to_mm if settings.spline_to_mm is not None else length_mm - settings.tip_length_mm
        span = (settings.spline_from_mm, end, settings.spline_run_out_mm)
        ribs = Splines(settings.spline_count, settings.spline_height_mm, *span)
        limit = limit - settings.spline_height_mm
    if settings.section == "free":
        rows_at, below = rows_that_hold(station, limit, _FREE_FORM_STEP_MM, length_mm)
        _, wall = rows_that_hold(station, hole, _FREE_FORM_STEP_MM, length_mm)
        radius = smooth_free_form(below, wall, cavity.phi_rad, settings.smallest_curvature_radius_mm)
        body = free_form_stem(rows_at, radius, bow, ribs)
    else:
        exponent = settings.superellipse_exponent if settings.section == "superellipse" else 2.0
        round_only = settings.section == "circle"
        centre = np.zeros(2) if round_only else best_offset_mm(limit, hole, cavity.phi_rad, exponent)
        below, wall = (seen_from(contour, cavity.phi_rad, centre) for contour in (limit, hole))
        semi, turn = best_superellipse(below, wall, cavity.phi_rad, exponent, ROUND if round_only else FINE)
        rows_at = knots_mm(settings, length_mm)
        rows = profile_below(station, semi, rows_at)
        k = len(rows_at)
        turns = np.full(k, np.rad2deg(turn))
        body = StemShape(rows_at, rows, np.full(k, exponent), turns, np.tile(centre, (k, 1)), None, bow, ribs)
    return with_tip(body, settings.tip_form, settings.tip_length_mm)


def _check_makeable(shape: StemShape, settings: CustomSettings) -> None:
    body = shape.station_mm < shape.length_mm - settings.tip_length_mm + 1e-9
    thinnest = shape.semi_axes_mm[body].min(axis=1)
    if thinnest.min() < settings.smallest_radius_mm:
        at = shape.station_mm[body][thinnest.argmin()]
        raise InputError(
            "CF-I041",
            "the stem becomes thinner than can be made",
            where=f"{at:.0f} mm above the facing plane",
            measured=f"radius {thinnest.min():.2f} mm",
            expected=f"at least {settings.smallest_radius_mm:g} mm",
            advice="Ream further, shorten length_mm, or lower smallest_radius_mm",
        )
    for hole in settings.holes:
        across = np.deg2rad(hole.direction_deg) + np.array([0.5, -0.5]) * np.pi
        beside = float(shape.radius_mm([hole.station_mm], across).min()) - 0.5 * hole.diameter_mm
        if not beside >= settings.smallest_thickness_mm:
            raise InputError(
                "CF-I048",
                "the metal beside a screw hole is thinner than can be made",
                where=f"{hole.station_mm:.0f} mm above the facing plane",
                measured=f"{beside:.2f} mm",
                expected=f"at least {settings.smallest_thickness_mm:g} mm (smallest_thickness_mm)",
                advice="Choose a smaller diameter_mm for the hole",
            )
    sharpest = curvature_radius_mm(shape, shape.station_mm[body])
    if sharpest.min() < settings.smallest_curvature_radius_mm:
        at = shape.station_mm[body][sharpest.argmin()]
        raise InputError(
            "CF-I043",
            "a section is curved more sharply than can be made",
            where=f"{at:.0f} mm above the facing plane",
            measured=f"radius of curvature {sharpest.min():.2f} mm",
            expected=f"at least {settings.smallest_curvature_radius_mm:g} mm",
            advice="Choose section = 'ellipse', or lower smallest_curvature_radius_mm",
        )


def _wall_findings(wall: FloatArray, station: FloatArray, settings: CustomSettings) -> list[Finding]:
    if not np.isfinite(wall).any() or np.nanmin(wall) >= settings.min_wall_mm:
        return []
    level = station[np.nanargmin(np.nanmin(wall, axis=1))]
    return [
        Finding(
            Level.WARNING,
            "CF-I044",
            f"The wall outside the prepared hole is {np.nanmin(wall):.1f} mm, below the "
            f"{settings.min_wall_mm:.1f} mm to keep",
            "Native or reamed thin: see the plan's findings; the stem's own shape takes nothing more off",
            depth_mm=float(level),
        )
    ]


def _template(
    shape: StemShape, settings: CustomSettings, last_reamer_mm: float, broach_gap_mm: FloatArray
) -> ImplantTemplate:
    phi = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    widest = shape.radius_mm(shape.station_mm, phi).max(axis=1)
    diameter = 2 * float(widest.max())
    coating = max((z.coating_thickness_mm for z in settings.zones), default=0.0)
    return ImplantTemplate(
        family_id="custom",
        part_number=f"custom-{settings.section}-{shape.length_mm:g}",
        fixation=Fixation.PRESS_FIT,
        diameter_mm=diameter,
        length_mm=shape.length_mm,
        profile_mm=np.stack([shape.station_mm, widest], axis=1),
        preparation=Preparation.BROACH if settings.broach_per_side_mm else Preparation.UNDER_REAM,
        provenance=Provenance("grown from the prepared canal of this plan", "custom", "", "not a product"),
        diametral_under_ream_mm=max(0.0, diameter - last_reamer_mm) if last_reamer_mm else 0.0,
        reamer_kind="rigid" if shape.bow_radius_mm is None else "curved",
        bow_radius_mm=shape.bow_radius_mm,
        collar_diameter_mm=2 * float(widest[0]) + 2 * settings.collar_over_stem_mm + 0.01,
        coating_thickness_mm=coating,
        collar_thickness_mm=settings.collar_thickness_mm,
        shape=shape,
        broach_gap_mm=broach_gap_mm if settings.broach_per_side_mm and broach_gap_mm[:, 1].any() else None,
    )
