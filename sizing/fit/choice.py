"""What is said of a choice among all fits: that nothing fits, that two are equals, that the tray jumps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sizing.findings import Finding, Level
from sizing.fit.model import Fit
from sizing.fit.rank import toss_up_of
from sizing.fit.settings import FitSettings
from sizing.reaming.model import ToolKind

# Reaming guides go up by half millimetres, by whole ones before the first contact.
_LARGEST_STEP_MM = 1.0


def choice_findings(chosen: Fit | None, fits: Sequence[Fit], settings: FitSettings) -> tuple[Finding, ...]:
    """Return the findings of a choice, its own first; without one, what came nearest.

    Parameters
    ----------
    chosen : Fit or None
        None: nothing can serve.
    fits : sequence of Fit
        All that were tried, best first.
    settings : FitSettings
        Say what a toss-up is.
    """
    return (*_of_choice(chosen, fits), *_toss_up(chosen, fits, settings), *_jumps(chosen))


def _of_choice(chosen: Fit | None, fits: Sequence[Fit]) -> tuple[Finding, ...]:
    if chosen is None:
        nearest = fits[0]
        reason = "; ".join(nearest.rejected)
        return (
            Finding(
                Level.CRITICAL,
                "CF-F001",
                f"No implant of the catalogue fits; the nearest, {nearest.implant.part_number}: {reason}.",
                "Read the reason beside each implant; a custom implant may serve.",
            ),
        )
    return (*chosen.findings, *(chosen.reamed.findings if chosen.reamed else ()))


def _toss_up(chosen: Fit | None, fits: Sequence[Fit], settings: FitSettings) -> tuple[Finding, ...]:
    other = None if chosen is None else toss_up_of(chosen, fits, settings.toss_up_points)
    if chosen is None or other is None:
        return ()
    return (
        Finding(
            Level.WARNING,
            "CF-F002",
            f"{chosen.implant.part_number} ({chosen.score.total:.1f} points) and {other.implant.part_number} "
            f"({other.score.total:.1f}) of another family are a toss-up.",
            "Have both on the tray, and let other reasons than the score decide.",
        ),
    )


def _jumps(chosen: Fit | None) -> tuple[Finding, ...]:
    """Say where the tray makes a tool take more at once than reamers are meant to."""
    passes = () if chosen is None else chosen.reaming_plan.passes
    sizes = [p.reamer.diameter_mm for p in passes if p.reamer.kind is not ToolKind.TAP]
    wide = [f"{a:g} to {b:g} mm" for a, b in pairwise(sizes) if b - a > _LARGEST_STEP_MM + 1e-9]
    if not wide:
        return ()
    return (
        Finding(
            Level.WARNING,
            "CF-F006",
            f"The reamer set jumps from {', and from '.join(wide)}; steps are usually {_LARGEST_STEP_MM:g} mm at most.",
            "Have the sizes between on the tray.",
        ),
    )
