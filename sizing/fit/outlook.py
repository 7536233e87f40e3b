"""What lies round a plan: how long a stem could be, and how a plan fares when hand and scan are off.

See docs/method/outlook.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from sizing.canal import Canal, CanalAxis
from sizing.errors import ReamingError
from sizing.findings import Finding, Level
from sizing.fit.context import FitContext
from sizing.fit.model import Fit
from sizing.implants.model import Fixation, ImplantTemplate
from sizing.reaming import Astray, AstraySettings, Envelope, SizeDoubt, astray, envelope

# Both questions are asked of every second level and ray: a length is then good to two levels and a
# probability to less than its sampling error, at a quarter of the time.
_EVERY = 2
# From this probability of a wall that is too thin it is a warning.
_NAMED_RISK = 0.10


# The findings that a plan gets from here.
OUTLOOK_CODES = ("CF-F003", "CF-F005")


def envelope_of(context: FitContext, implants: Sequence[ImplantTemplate]) -> Envelope | None:
    """Return the longest stem of every diameter and bow among these implants; None where no axis can be told."""
    diameters = sorted({i.diameter_mm for i in implants})
    bows = sorted({i.bow_radius_mm for i in implants if i.bow_radius_mm is not None})
    try:
        return envelope(_thinned(context.canal), context.settings.wall_limit_mm, diameters, bows)
    except ReamingError:  # too little is measured to place any axis
        return None


def astray_of(context: FitContext, fit: Fit, fits: Sequence[Fit], settings: AstraySettings) -> Astray:
    """Draw errors of hand, tool and scan about a fit, for all sizes of its model.

    Parameters
    ----------
    context : FitContext
        Gives the canal and the wall limit.
    fit : Fit
        The choice.
    fits : sequence of Fit
        All that were tried; those of the same family, length and bow are the other sizes.
    settings : AstraySettings
        What may be off; its wall limit is replaced by the plan's.
    """
    sizes = sorted({cutting_diameter_mm(f) for f in fits if f.model == fit.model})
    return astray(
        _thinned(context.canal),
        fit.placement.axis,
        sizes,
        fit.reaming_plan.passes[-1].depth_mm,
        cutting_diameter_mm(fit),
        replace(settings, wall_limit_mm=context.settings.wall_limit_mm),
    )


def size_doubt_of(context: FitContext, fit: Fit, fits: Sequence[Fit], settings: AstraySettings) -> SizeDoubt:
    """Return how surely the scan tells the size: only its own doubt and the tools' are drawn, no error of the hand.

    A hand that is off cuts more cortex, and so would seem to ask for a smaller size. That is another question.
    See ``astray_of`` for the arguments.
    """
    steady = replace(settings, offset_mm=0.0, tilt_deg=0.0, depth_mm=0.0)
    return astray_of(context, fit, fits, steady).size


def cutting_diameter_mm(fit: Fit) -> float:
    """Return the diameter of what cuts deepest: the last reamer, or the thread's crest."""
    bore = max(p.reamer.diameter_mm for p in fit.reaming_plan.passes)
    return max(bore, fit.implant.diameter_mm) if fit.implant.fixation is Fixation.THREADED else bore


def outlook_findings(fit: Fit, drawn: Astray, size: SizeDoubt) -> tuple[Finding, ...]:
    """Say when two sizes are a coin toss, and when the wall is at risk."""
    found = []
    if size.coin_toss:
        found.append(Finding(
            Level.WARNING, "CF-F003", f"The size is a coin toss (last tool {size.words()}).",
            "Have both sizes on the tray.",
        ))  # fmt: skip
    row = int(np.argmin(np.abs(drawn.diameters_mm - cutting_diameter_mm(fit))))
    risk, error = float(drawn.too_thin_probability[row]), float(drawn.too_thin_se[row])
    if risk >= _NAMED_RISK:
        s, depth = drawn.settings, float(drawn.worst_depth_mm[row])
        found.append(Finding(
            Level.WARNING, "CF-F005",
            f"With the axis off by {s.offset_mm:g} mm and {s.tilt_deg:g} degrees (one standard deviation each), the "
            f"wall falls under {s.wall_limit_mm:g} mm in {100 * risk:.0f} ± {100 * error:.0f} % of {s.n_poses} draws.",
            "Guide the reamer, or look at the size below.",
            None if np.isnan(depth) else depth, drawn.worst_direction[row],
        ))  # fmt: skip
    return tuple(found)


def _thinned(canal: Canal) -> Canal:
    """Return the canal with every second level and ray."""
    axis = CanalAxis(*(getattr(canal.axis, f.name)[::_EVERY] for f in fields(CanalAxis)))
    shape = canal.endosteal_radius_mm.shape
    maps = {f.name: getattr(canal, f.name) for f in fields(Canal)}
    thin = {name: values[::_EVERY, ::_EVERY] for name, values in maps.items() if np.shape(values) == shape}
    return replace(canal, axis=axis, theta_rad=canal.theta_rad[::_EVERY], **thin)
