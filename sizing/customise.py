"""From a plan to a custom stem: same axis and cut, several preparations tried, compared with the best stock stems."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sizing.custom_axes import axes_to_try
from sizing.errors import InputError
from sizing.findings import Finding, Level
from sizing.fit import Fit, FitContext, fit_context, fit_implant
from sizing.fit.measure import measure_fits
from sizing.implants.cavity import Cavity, cavity_along
from sizing.implants.custom import CustomDesign, design_custom
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.model import Fixation
from sizing.planning import ImplantationPlan
from sizing.reaming import ReamingPlan, ToolAxis, ToolKind, ream, reaming_plan

# Angles and step at which the hole is looked at; a free form resolves features of 8 waves, 16 angles each.
_N_ANGLES = 128
_NOTHING = (False, False, -1.0)
_STATION_STEP_MM = 1.0
# Preparations that leave bone for a broach: the plan's last reamer and sizes below it.
_LESS_REAMED_MM = (0.0, 1.0, 2.0)
# Every axis is tried with an ellipse; the others follow on the best axis.
_OTHER_SECTIONS = ("circle", "free")
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
    search = _Search(plan, base, context, settings, length)
    axes = axes_to_try(plan, base, settings, length)
    probe = "ellipse" if settings.section == "best" else settings.section
    on_axes = [search.designs(axis, (probe,)) for axis in axes]
    best = max(range(len(axes)), key=lambda i: max((_merit(*c) for c in on_axes[i]), default=_NOTHING))
    candidates = [c for found in on_axes for c in found]
    if settings.section == "best":
        candidates += search.designs(axes[best], _OTHER_SECTIONS)
    if not candidates:
        raise search.none_can_be_made()
    design, fit = max(candidates, key=lambda pair: _merit(*pair))
    fit = fit_implant(context, design.implant, fit.placement.axis)
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


@dataclass
class _Search:
    """What all tried designs share, and why those that failed did."""

    plan: ImplantationPlan
    base: Fit
    context: FitContext
    settings: CustomSettings
    length_mm: float
    refused: InputError | None = None

    def designs(self, axis: ToolAxis, sections: tuple[str, ...]) -> list[tuple[CustomDesign, Fit]]:
        """Design and measure on one axis with every preparation and these sections."""
        found = []
        for last_mm, cavity in self._preparations(axis):
            for section in sections:
                variant = replace(self.settings, section=section)
                try:
                    design = design_custom(cavity, variant, length_mm=self.length_mm, last_reamer_mm=last_mm)
                except InputError as error:
                    self.refused = error
                    continue
                found.append((design, measure_fits(self.context, axis, [design.implant])[0]))
        return found

    def none_can_be_made(self) -> InputError:
        """Return the refusal that tells the last reason."""
        error = self.refused
        assert error is not None
        return InputError(
            "CF-I045",
            "no preparation gives a custom stem that can be made",
            where=error.where,
            measured=error.measured,
            expected=error.expected,
            advice=f"{error.what[:1].upper()}{error.what[1:]}. {error.advice}",
        )

    def _preparations(self, axis: ToolAxis) -> list[tuple[float, Cavity]]:
        """Last reamer and hole of each preparation to try."""
        settings, sizes = self.settings, self.plan.reamers.diameters_mm
        if settings.preparation == "unreamed":
            return [self._unreamed(axis)]
        if settings.last_reamer_mm is not None:
            last = [sizes[np.argmin(np.abs(sizes - settings.last_reamer_mm))]]
        else:
            largest = max(p.reamer.diameter_mm for p in self.base.reaming_plan.passes)
            last = [sizes[np.argmin(np.abs(sizes - largest + less))] for less in _LESS_REAMED_MM]
        return [(float(d), self._prepared(axis, float(d))) for d in dict.fromkeys(last)]

    def _unreamed(self, axis: ToolAxis) -> tuple[float, Cavity]:
        """The canal as it is, and the largest tool that passes it without cutting, as a gauge."""
        cavity = self._prepared(axis, None)
        room_mm = 2 * float(np.nanmin(cavity.endosteal_radius_mm))
        passing = self.plan.reamers.diameters_mm[self.plan.reamers.diameters_mm <= room_mm]
        if not len(passing):
            raise InputError(
                "CF-I047",
                "the canal cannot be left unreamed: the smallest reamer of the set would cut it",
                where=self.plan.reamers.set_id,
                measured=f"{room_mm:.1f} mm free along the axis",
                expected=f"at least {self.plan.reamers.diameters_mm[0]:g} mm",
                advice="Leave preparation at 'as-planned'",
            )
        return float(passing[-1]), cavity

    def _prepared(self, axis: ToolAxis, last_mm: float | None) -> Cavity:
        stations = np.arange(0.0, self.length_mm + _STATION_STEP_MM / 2, _STATION_STEP_MM)
        reamed = None
        if last_mm is not None:
            # One pass to the last size leaves the same hole as all passes: their sum is exact.
            only = reaming_plan(self.plan.reamers, axis, last_mm, self.length_mm, first_diameter_mm=last_mm)
            kind = ToolKind.RIGID if axis.bow_radius_mm is None else ToolKind.CURVED
            tool = replace(only.passes[0].reamer, kind=kind)
            reamed = ream(self.plan.canal, ReamingPlan((replace(only.passes[0], reamer=tool),)))
        return cavity_along(self.plan.canal, axis, stations, _N_ANGLES, reamed)


def _merit(design: CustomDesign, fit: Fit) -> tuple[bool, bool, float]:
    """Order of preparations: goes in, keeps the wall, touches most."""
    keeps = not np.isfinite(fit.reamed_wall_min_mm) or (
        fit.reamed_wall_min_mm >= design.settings.min_wall_mm - _SAME_WALL_MM
    )
    return design.insertion.goes_in and not fit.rejected, bool(keeps), float(np.nan_to_num(fit.contact_share))


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
