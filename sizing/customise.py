"""From a plan to a custom stem: same axis and cut, several preparations tried, compared with the best stock stems."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing.errors import InputError
from sizing.findings import Finding, Level
from sizing.fit import Fit, fit_context, fit_implant
from sizing.fit.measure import measure_fits
from sizing.implants.cavity import Cavity, cavity_along
from sizing.implants.custom import CustomDesign, design_custom
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.model import Fixation
from sizing.planning import ImplantationPlan
from sizing.reaming import ReamingPlan, ream

# Angles and step at which the hole is looked at; a free form resolves features of 8 waves, 16 angles each.
_N_ANGLES = 128
_STATION_STEP_MM = 1.0
# Preparations that leave bone for a broach: the plan's last reamer and up to 2 mm less, in steps of the tray.
_LESS_REAMED_MM = 2.0
_TRIED_SECTIONS = ("circle", "ellipse", "free")
# A wall equal to the stock stem's within what a section table is held to.
_SAME_WALL_MM = 0.05
# A custom stem has to win this much contact to be worth its trouble (share of the flank).
WORTH_WHILE_CONTACT = 0.10


@dataclass(frozen=True, slots=True)
class ComparedMeasure:
    """One number of the custom stem beside the same number of the best stock stems."""

    name: str
    unit: str
    custom: float
    stock: tuple[float, ...]


@dataclass(frozen=True)
class CustomPlan:
    """A custom stem in its place.

    Attributes
    ----------
    design : CustomDesign
    fit : Fit
        Measured by the same code as stock stems, reamed.
    stock : tuple of Fit
        The best press-fit stem, whose axis is used, and the best other stem of the plan.
    compared : tuple of ComparedMeasure
    verdict : str
        Why custom, or why not, in one sentence with numbers.
    preparations_tried : int
    findings : tuple of Finding
    """

    design: CustomDesign
    fit: Fit
    stock: tuple[Fit, ...]
    compared: tuple[ComparedMeasure, ...]
    verdict: str
    preparations_tried: int
    findings: tuple[Finding, ...]


def customise(plan: ImplantationPlan, settings: CustomSettings | None = None) -> CustomPlan:
    """Design a custom stem for a plan.

    Parameters
    ----------
    plan : ImplantationPlan
        Gives the canal, the cut, the reamers, and the axis and length of its best press-fit stem.
    settings : CustomSettings, optional
        All choices; what is left open is taken from the plan.

    Returns
    -------
    CustomPlan
        Of all preparations tried, the one whose stem touches most bone among those that keep the wall.

    Raises
    ------
    InputError
        CF-I045 when no preparation gives a stem that can be made; the last reason is told. Also what
        ``design_custom`` refuses.
    """
    settings = settings or CustomSettings()
    base = _base_fit(plan)
    context = fit_context(
        plan.canal,
        reamers=plan.reamers,
        settings=replace(plan.settings.fit, wall_limit_mm=plan.settings.wall_limit_mm),
        isthmus_depth_mm=plan.shape.isthmus_depth_mm,
    )
    length = settings.length_mm or min(base.implant.length_mm, settings.longest_length_mm)
    settings = replace(settings, min_wall_mm=_wall_to_keep(base, settings))
    candidates: list[tuple[CustomDesign, Fit]] = []
    refused: InputError | None = None
    for last_mm, cavity in _preparations(plan, base, settings, length):
        for variant in _variants(settings):
            try:
                design = design_custom(cavity, variant, length_mm=length, last_reamer_mm=last_mm)
            except InputError as error:
                refused = error
                continue
            candidates.append((design, measure_fits(context, base.placement.axis, [design.implant])[0]))
    if not candidates:
        assert refused is not None
        raise InputError(
            "CF-I045",
            "no preparation gives a custom stem that can be made",
            where=refused.where,
            measured=refused.measured,
            expected=refused.expected,
            advice=f"{refused.what[:1].upper()}{refused.what[1:]}. {refused.advice}",
        )
    design, fit = max(candidates, key=lambda pair: _merit(*pair))
    fit = fit_implant(context, design.implant, base.placement.axis)
    others = [f for f in plan.fits if not f.rejected and f is not base]
    stock = (base, *others[:1])
    findings = (*design.findings, *fit.findings, *_unfit(fit))
    return CustomPlan(
        design, fit, stock, _compare(fit, stock), _verdict(fit, base, len(candidates)), len(candidates), findings
    )


def _base_fit(plan: ImplantationPlan) -> Fit:
    """The best press-fit stem that serves; where none does, the one that leaves most wall and touches most."""
    press_fit = [f for f in plan.fits if f.implant.fixation is Fixation.PRESS_FIT]
    serving = [f for f in press_fit if not f.rejected]
    if serving:
        return serving[0]
    return max(press_fit or plan.fits, key=lambda f: (min(f.wall_min_mm, plan.settings.wall_limit_mm), f.contact_share))


def _wall_to_keep(base: Fit, settings: CustomSettings) -> float:
    stock = base.reamed_wall_min_mm
    if not settings.keep_stock_wall or base.rejected or not np.isfinite(stock):
        return settings.min_wall_mm
    return max(settings.min_wall_mm, float(stock))


def _preparations(
    plan: ImplantationPlan, base: Fit, settings: CustomSettings, length_mm: float
) -> list[tuple[float, Cavity]]:
    """Last reamer and hole of each preparation to try."""
    sizes = plan.reamers.diameters_mm
    if settings.preparation == "unreamed":
        return [_unreamed(plan, base, length_mm)]
    if settings.last_reamer_mm is not None:
        last = [sizes[np.argmin(np.abs(sizes - settings.last_reamer_mm))]]
    else:
        largest = max(p.reamer.diameter_mm for p in base.reaming_plan.passes)
        last = list(sizes[(sizes <= largest + 1e-6) & (sizes >= largest - _LESS_REAMED_MM - 1e-6)][::-2])
    return [(float(d), _prepared(plan, base, float(d), length_mm)) for d in last]


def _unreamed(plan: ImplantationPlan, base: Fit, length_mm: float) -> tuple[float, Cavity]:
    """The canal as it is, and the largest tool that passes it without cutting, as a gauge."""
    cavity = _prepared(plan, base, 0.0, length_mm)
    room_mm = 2 * float(np.nanmin(cavity.endosteal_radius_mm))
    passing = plan.reamers.diameters_mm[plan.reamers.diameters_mm <= room_mm]
    if not len(passing):
        raise InputError(
            "CF-I047",
            "the canal cannot be left unreamed: the smallest reamer of the set would cut it",
            where=plan.reamers.set_id,
            measured=f"{room_mm:.1f} mm free along the axis",
            expected=f"at least {plan.reamers.diameters_mm[0]:g} mm",
            advice="Leave preparation at 'as-planned'",
        )
    return float(passing[-1]), cavity


def _variants(settings: CustomSettings) -> list[CustomSettings]:
    """Sections and broaches to try."""
    sections = _TRIED_SECTIONS if settings.section == "best" else (settings.section,)
    broaches = sorted({0.0, settings.broach_per_side_mm})
    return [replace(settings, section=s, broach_per_side_mm=b) for s in sections for b in broaches]


def _prepared(plan: ImplantationPlan, base: Fit, last_mm: float, length_mm: float) -> Cavity:
    axis = base.placement.axis
    stations = np.arange(0.0, length_mm + _STATION_STEP_MM / 2, _STATION_STEP_MM)
    passes = tuple(
        replace(p, depth_mm=length_mm) for p in base.reaming_plan.passes if p.reamer.diameter_mm <= last_mm + 1e-6
    )
    # One pass to the last size leaves the same hole as all passes: their sum is exact.
    reamed = ream(plan.canal, ReamingPlan(passes[-1:])) if passes else None
    return cavity_along(plan.canal, axis, stations, _N_ANGLES, reamed)


def _merit(design: CustomDesign, fit: Fit) -> tuple[bool, bool, float]:
    """Order of preparations: goes in, keeps the wall, touches most."""
    keeps = not np.isfinite(fit.reamed_wall_min_mm) or (
        fit.reamed_wall_min_mm >= design.settings.min_wall_mm - _SAME_WALL_MM
    )
    return design.insertion.goes_in, bool(keeps), float(np.nan_to_num(fit.contact_share))


def _compare(fit: Fit, stock: tuple[Fit, ...]) -> tuple[ComparedMeasure, ...]:
    rows = (
        ("contact with bone", "%", lambda f: 100 * f.contact_share),
        ("canal fill", "%", lambda f: 100 * f.canal_fill_volume),
        ("contact length", "mm", lambda f: f.contact_length_mm),
        ("gap to fill", "mm3", lambda f: f.gap_mm3),
        ("solid graft won", "mm3", lambda f: f.graft_mm3),
        ("least wall left", "mm", lambda f: f.wall_min_mm),
        ("least wall where cut", "mm", lambda f: f.reamed_wall_min_mm),
        ("cortex taken", "%", lambda f: 100 * f.removed_share),
    )
    return tuple(ComparedMeasure(n, u, float(of(fit)), tuple(float(of(f)) for f in stock)) for n, u, of in rows)


def _verdict(fit: Fit, base: Fit, tried: int) -> str:
    won = fit.contact_share - base.contact_share
    numbers = (
        f"{fit.contact_share:.0%} of its flank touches bone, {base.contact_share:.0%} of {base.implant.part_number}'s; "
        f"least wall {fit.wall_min_mm:.1f} mm against {base.wall_min_mm:.1f} mm"
    )
    if base.rejected:
        return f"Custom because no stock stem serves ({base.implant.part_number}: {base.rejected[0]}): {numbers}."
    if won >= WORTH_WHILE_CONTACT and fit.wall_min_mm >= base.wall_min_mm - _SAME_WALL_MM:
        return f"Custom is worth its trouble: {numbers}."
    return (
        f"Custom wins little here: {numbers}. A stem that goes in along its axis is limited by the narrowest level "
        f"it passes and by the wall that must stay; {tried} preparations were tried."
    )


def _unfit(fit: Fit) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            Level.CRITICAL, "CF-I046", f"The custom stem does not serve: {reason}", "Change the settings or the cut"
        )
        for reason in fit.rejected
    )
