"""From a plan to a custom stem: same axis and cut, several preparations tried, compared with the best stock stems."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sizing.custom_axes import axes_to_try
from sizing.errors import InputError
from sizing.findings import Finding, Level
from sizing.fit import Fit, FitContext, fit_context, fit_implant
from sizing.fit.measure import measure_fits
from sizing.implants.cavity import Cavity, cavity_along
from sizing.implants.custom import CustomDesign, design_custom
from sizing.implants.custom_settings import SHORTEST_STEM_MM, CustomSettings
from sizing.implants.model import Fixation
from sizing.planning import ImplantationPlan
from sizing.reaming import ToolAxis
from sizing.spelling import wall_text

# Angles and step at which the hole is looked at; a free form resolves features of 8 waves, 16 angles each.
_N_ANGLES = 128
_NOTHING = (False, False, False, -1.0)
_WHY_UNTOUCHED = {
    "tip": "is the drawn-in tip",
    "asked": "keeps the clearance that the settings ask for",
    "wall": "lies behind a level that cannot be widened because of the wall that must stay",
    "broach": "lies behind a level that only a deeper cut could widen",
    "form": "is where the section cannot follow the canal",
}
_STATION_STEP_MM = 1.0
# Preparations that leave bone for a broach: the plan's last reamer and sizes below it.
_LESS_REAMED_MM = (0.0, 1.0, 2.0)
# Every axis is tried with an ellipse after the middle preparation; the others follow on the best axis.
_PROBED = -2
_OTHER_SECTIONS = ("circle", "free")
# A stem on a leaning axis reaches less deep than it is long, on a bowed one, too: no more than this.
_TILT_ALLOWANCE_MM = 1.0
# A broach that cuts half as deep is tried for the stem that wins: bone that stays cannot be had back.
_SPARING = 0.5
_SPARING_PREPARATIONS = 2
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
        Of all designs tried, among those that serve and keep the wall, the one that wins enough contact and scores
        best by the score that ranks stock stems.

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
        settings=plan.settings.fit.for_bone(plan.canal.bone).with_wall_limit(plan.settings.wall_limit_mm),
        isthmus_depth_mm=plan.shape.isthmus_depth_mm,
        cut_is_planned=plan.settings.resect_at_mm is not None,
    )
    length = settings.length_mm or min(base.implant.length_mm, settings.longest_length_mm, _measured_length_mm(plan))
    search = _Search(plan, base, context, axes_to_try(plan, base, settings, length), length)
    candidates: list[tuple[CustomDesign, Fit]] = []
    for wall_mm in _walls_to_keep(base, settings):
        candidates += search.designs(replace(settings, min_wall_mm=wall_mm))
        if not candidates:
            continue
        design, fit = max(candidates, key=lambda pair: _merit(pair[0], pair[1], base))
        if all(_merit(design, fit, base)[:3]):
            break
    if not candidates:
        raise search.none_can_be_made()
    design, fit = search.sparing(design, fit)
    fit = fit_implant(context, design.implant, fit.placement.axis)
    others = [f for f in plan.fits if not f.rejected and f is not base]
    stock = (base, *others[:1])
    findings = (*design.findings, *fit.findings, *_unfit(fit))
    return CustomPlan(
        design,
        fit,
        stock,
        _compare(fit, stock),
        _verdict(design, fit, base, len(candidates)),
        len(candidates),
        findings,
    )


def _base_fit(plan: ImplantationPlan) -> Fit:
    """The best press-fit stem that serves, else the best stem that serves, else the press-fit stem nearest to it.

    Nearest: within the measured bone where one is, then the one that leaves most wall and touches most.
    """
    press_fit = [f for f in plan.fits if f.implant.fixation is Fixation.PRESS_FIT]
    serving = [f for f in (*press_fit, *plan.fits) if not f.rejected]
    if serving:
        return serving[0]
    return max(
        press_fit or plan.fits,
        key=lambda f: (f.protrusion_mm == 0, min(f.wall_min_mm, plan.settings.wall_limit_mm), f.contact_share),
    )


def _measured_length_mm(plan: ImplantationPlan) -> float:
    """The longest stem, in whole mm, that leaves the measured bone beyond its tip that every stem has to leave."""
    reach = float(plan.canal.axis.depth_mm[-1]) - plan.settings.fit.far_end_clearance_mm
    return max(float(np.floor(reach - _TILT_ALLOWANCE_MM)), SHORTEST_STEM_MM)


def _walls_to_keep(base: Fit, settings: CustomSettings) -> list[float]:
    """The wall to keep where a tool cuts, the most first: what the stock stem keeps there, then its least wall."""
    stock = (base.reamed_wall_min_mm, base.wall_min_mm) if settings.keep_stock_wall and not base.rejected else ()
    known = [max(settings.min_wall_mm, float(w)) for w in stock if np.isfinite(w)]
    return list(dict.fromkeys(known or [settings.min_wall_mm]))


def _worth_while(fit: Fit, base: Fit) -> bool:
    won = fit.contact_share - base.contact_share
    # Where nothing is cut the wall is the bone's own, whatever the stem: only what its tools leave is the stem's doing.
    cut_mm = fit.reamed_wall_min_mm
    keeps = not np.isfinite(cut_mm) or cut_mm >= base.wall_min_mm - _SAME_WALL_MM
    return bool(won >= WORTH_WHILE_CONTACT and keeps)


@dataclass
class _Search:
    """What all tried designs share, and why those that failed did."""

    plan: ImplantationPlan
    base: Fit
    context: FitContext
    axes: list[ToolAxis]
    length_mm: float
    refused: InputError | None = None
    canals: dict[int, Cavity] = field(default_factory=dict)  # by the axis' identity

    def designs(self, settings: CustomSettings) -> list[tuple[CustomDesign, Fit]]:
        """Try one section and preparation on every axis, and all of them on the axis that served best."""
        probe = "ellipse" if settings.section == "best" else settings.section
        found, best = [], (_NOTHING, self.axes[0])
        for axis in self.axes:
            middle = self._preparations(axis, settings)[_PROBED:][:1]
            made = self._measured(axis, middle, settings, (probe,))
            found += made
            best = max(
                best, (max((_merit(*c, self.base) for c in made), default=_NOTHING), axis), key=lambda pair: pair[0]
            )
        preparations = self._preparations(best[1], settings)
        middle = preparations[_PROBED:][:1]
        rest = [p for p in preparations if p[0] != middle[0][0]]
        others = _OTHER_SECTIONS if settings.section == "best" else ()
        return (
            found
            + self._measured(best[1], middle, settings, others)
            + self._measured(best[1], rest, settings, (probe, *others))
        )

    def _measured(
        self,
        axis: ToolAxis,
        preparations: list[tuple[float, Cavity]],
        settings: CustomSettings,
        sections: tuple[str, ...],
    ) -> list[tuple[CustomDesign, Fit]]:
        """Design and measure on one axis with these preparations and sections."""
        designs = []
        for last_mm, cavity in preparations:
            for section in sections:
                variant = replace(settings, section=section)
                try:
                    design = design_custom(cavity, variant, length_mm=self.length_mm, last_reamer_mm=last_mm)
                except InputError as error:
                    self.refused = error
                    continue
                designs.append(design)
        fits = measure_fits(self.context, axis, [d.implant for d in designs]) if designs else []
        return list(zip(designs, fits, strict=True))

    def sparing(self, design: CustomDesign, fit: Fit) -> tuple[CustomDesign, Fit]:
        """Return the same kind of stem behind a broach that cuts half as deep, where it serves as well."""
        if not design.settings.broach_per_side_mm or not all(_merit(design, fit, self.base)[:3]):
            return design, fit
        settings = replace(design.settings, broach_per_side_mm=_SPARING * design.settings.broach_per_side_mm)
        axis, last_mm = fit.placement.axis, design.implant.last_reamer_mm
        # What the broach no longer cuts, a larger reamer may: the last one used, and the one tried before it.
        larger = [p for p in self._preparations(axis, settings) if p[0] >= last_mm - 1e-6][-_SPARING_PREPARATIONS:]
        made = self._measured(axis, larger, settings, (settings.section,))
        good = [c for c in made if all(_merit(*c, self.base)[:3]) and c[1].removed_share < fit.removed_share]
        return max(good, key=lambda c: _merit(c[0], c[1], self.base), default=(design, fit))

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

    def _preparations(self, axis: ToolAxis, settings: CustomSettings) -> list[tuple[float, Cavity]]:
        """Last reamer and hole of each preparation to try."""
        sizes = self.plan.reamers.diameters_mm
        if settings.preparation == "unreamed":
            return [self._unreamed(axis)]
        if settings.last_reamer_mm is not None:
            last = [sizes[np.argmin(np.abs(sizes - settings.last_reamer_mm))]]
        else:
            largest = max(p.reamer.diameter_mm for p in self.base.reaming_plan.passes)
            largest = min(largest, self._largest_within_cut_mm(axis, settings))
            last = [sizes[np.argmin(np.abs(sizes - largest + less))] for less in _LESS_REAMED_MM]
        canal = self._canal_along(axis)
        return [
            (float(d), replace(canal, hole_radius_mm=np.maximum(canal.hole_radius_mm, d / 2)))
            for d in dict.fromkeys(last)
        ]

    def _largest_within_cut_mm(self, axis: ToolAxis, settings: CustomSettings) -> float:
        """The largest reamer whose cut per side is allowed; the smallest of the tray where none is."""
        if settings.largest_cut_per_side_mm is None:
            return np.inf
        narrowest_mm = 2 * float(np.nanmin(self._canal_along(axis).endosteal_radius_mm))
        sizes = self.plan.reamers.diameters_mm
        allowed = sizes[sizes <= narrowest_mm + 2 * settings.largest_cut_per_side_mm]
        return float(allowed[-1] if len(allowed) else sizes[0])

    def _unreamed(self, axis: ToolAxis) -> tuple[float, Cavity]:
        """The canal as it is, and the largest tool that passes it without cutting, as a gauge."""
        cavity = self._canal_along(axis)
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

    def _canal_along(self, axis: ToolAxis) -> Cavity:
        """The canal from an axis, unreamed; a reamer on that axis leaves the larger of canal and tool."""
        if id(axis) not in self.canals:
            stations = np.arange(0.0, self.length_mm + _STATION_STEP_MM / 2, _STATION_STEP_MM)
            self.canals[id(axis)] = cavity_along(self.plan.canal, axis, stations, _N_ANGLES)
        return self.canals[id(axis)]


def _merit(design: CustomDesign, fit: Fit, base: Fit) -> tuple[bool, bool, bool, float]:
    """Order of designs: serves, keeps the wall, wins enough contact, and then the score that ranks stock stems."""
    keeps = not np.isfinite(fit.reamed_wall_min_mm) or (
        fit.reamed_wall_min_mm >= design.settings.min_wall_mm - _SAME_WALL_MM
    )
    serves = design.insertion.goes_in and not fit.rejected
    return serves, bool(keeps), _worth_while(fit, base), float(np.nan_to_num(fit.score.total))


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


def _verdict(design: CustomDesign, fit: Fit, base: Fit, tried: int) -> str:
    numbers = (
        f"{fit.contact_share:.0%} of its flank touches bone, {base.contact_share:.0%} of {base.implant.part_number}'s; "
        f"least wall {wall_text(fit.wall_min_mm)} mm against {wall_text(base.wall_min_mm)} mm; "
        f"{fit.removed_share:.0%} of the cortex taken against {base.removed_share:.0%}"
    )
    reasons = [f"{share:.0%} {_WHY_UNTOUCHED[name]}" for name, share in design.untouched.items() if share >= 0.005]
    why_not = f"What does not touch: {'; '.join(reasons)}. {tried} preparations, sections and axes were tried."
    if fit.rejected:
        return f"This custom stem does not serve ({fit.rejected[0]}): {numbers}. {why_not}"
    if base.rejected:
        return f"Custom because no stock stem serves ({base.implant.part_number}: {base.rejected[0]}): {numbers}."
    if _worth_while(fit, base):
        return f"Custom is worth its trouble: {numbers}."
    return f"Custom wins little here: {numbers}. {why_not}"


def _unfit(fit: Fit) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            Level.CRITICAL, "CF-I046", f"The custom stem does not serve: {reason}", "Change the settings or the cut"
        )
        for reason in fit.rejected
    )
