"""Place and measure implants in a canal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from sizing.canal import cortical_thickness
from sizing.canal.model import Canal
from sizing.fit.context import FitContext
from sizing.fit.measure import measure_fits
from sizing.fit.model import Fit
from sizing.fit.placement import Placer, place_axis
from sizing.fit.quarters import quarters_of
from sizing.fit.rank import neighbours_of, rank_fits
from sizing.fit.settings import FitSettings
from sizing.fit.tooling import Tray
from sizing.fit.view import Contours
from sizing.fit.zones import ZONE_NAMES
from sizing.implants.model import ImplantTemplate
from sizing.implants.reamer_sets import load_reamer_set
from sizing.reaming import ReamerSet, ToolAxis, ream
from sizing.threads import spread


def fit_context(
    canal: Canal,
    *,
    reamers: ReamerSet | None = None,
    settings: FitSettings | None = None,
    isthmus_depth_mm: float | None = None,
    cut_is_planned: bool = False,
) -> FitContext:
    """Gather what all fits in one canal share.

    Parameters
    ----------
    canal : Canal
        As measured, before any tool.
    reamers : ReamerSet, optional
        The tray; default: the generic rigid one.
    settings : FitSettings, optional
        Thresholds and weights.
    isthmus_depth_mm : float, optional
        None: no isthmus lies in the scan.
    cut_is_planned : bool
        The cut can still be made square to the stem.
    """
    return FitContext(
        canal,
        Tray(reamers or load_reamer_set()),
        (settings or FitSettings()).for_bone(canal.bone),
        Contours.of(canal, cortical_thickness(canal)),
        np.nan if isthmus_depth_mm is None else isthmus_depth_mm,
        cut_is_planned,
    )


def fit_implant(context: FitContext, implant: ImplantTemplate, axis: ToolAxis | None = None) -> Fit:
    """Place one implant (or take the axis given), ream for it, and measure the fit."""
    axis = axis or place_axis(context, implant)
    return with_reaming(context, measure_fit(context, implant, axis))


def measure_fit(context: FitContext, implant: ImplantTemplate, axis: ToolAxis) -> Fit:
    """Measure one implant on a given axis; ``reamed`` is left open."""
    return measure_fits(context, axis, [implant])[0]


def fit_all(context: FitContext, implants: Sequence[ImplantTemplate]) -> tuple[Fit, ...]:
    """Place and measure implants, best first; ``reamed`` is left open."""
    alike: dict[tuple, list[ImplantTemplate]] = defaultdict(list)
    for implant in implants:
        alike[implant.length_mm, implant.bow_radius_mm].append(implant)
    fits = spread(lambda group: _fit_group(context, group), list(alike.values()))
    return rank_fits(list(chain(*fits)))


def _fit_group(context: FitContext, group: Sequence[ImplantTemplate]) -> list[Fit]:
    """Place and measure implants of one length and bow."""
    placer = Placer(context, group[0].length_mm, group[0].bow_radius_mm)
    on_axis: dict[int, tuple[ToolAxis, list[ImplantTemplate]]] = {}
    for implant in group:
        axis = placer.axis(implant)
        on_axis.setdefault(id(axis), (axis, []))[1].append(implant)
    return list(chain(*(measure_fits(context, axis, together) for axis, together in on_axis.values())))


def with_reaming(context: FitContext, fit: Fit) -> Fit:
    """Return the fit with what each pass of its tools cuts, and its zones by quarter."""
    whole = tuple(z for z in fit.zones if z.name in ZONE_NAMES)
    reamed = ream(context.canal, fit.reaming_plan)
    return replace(fit, reamed=reamed, zones=(*whole, *quarters_of(context, fit)))


def choose(context: FitContext, fits: Sequence[Fit]) -> tuple[Fit | None, tuple[Fit, ...]]:
    """Return the best implant that can serve, reamed, and the same stem one size down and up."""
    best = fits[0] if fits and fits[0].serves else None
    if best is None:
        return None, ()
    return with_reaming(context, best), neighbours_of(best, fits)
