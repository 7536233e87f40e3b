"""From comparisons to a table: bias, SD, worst case and coverage per quantity, each beside its goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sizing.geometry import FloatArray
from sizing.phantom.spec import ScanSpec
from sizing.selfcheck.compare import DIAMETERS, Comparison
from sizing.selfcheck.coverage import COVERAGE_RANGE, TWO_SIDED_95, Coverage, coverage_of_limbs
from sizing.selfcheck.reaming import (
    CONTACT_GOAL,
    VOLUME_GOAL_MM3,
    VOLUME_GOAL_SHARE,
    WALL_GOAL_MM,
    ReamingErrors,
)

# Goals hold for voxels up to this size ("fine"); up to 0.98 x 0.98 x 3.3 mm those of "coarse" do.
FINE_PIXEL_MM, FINE_SLICE_MM = 0.75, 1.1
# Walls thinner than this have goals of their own.
THIN_WALL_MM = 1.5
CENTRE_GOAL_MM, ISTHMUS_GOAL_MM, CANNOT_TELL_GOAL = 0.1, 2.0, 0.05


@dataclass(frozen=True, slots=True)
class Goals:
    """What is to be reached on one kind of grid; lengths in mm, the bin a share."""

    diameter_bias_mm: float
    diameter_sd_mm: float
    wall_bias_mm: float
    wall_sd_mm: float
    wrong_bin: float


FINE = Goals(0.03, 0.05, 0.03, 0.05, 0.05)
COARSE = Goals(0.08, 0.10, 0.08, 0.12, 0.10)


def goals_for(scan: ScanSpec) -> Goals:
    """Return the goals of a scan's grid."""
    fine = scan.pixel_mm <= FINE_PIXEL_MM and scan.slice_thickness_mm <= FINE_SLICE_MM
    return FINE if fine else COARSE


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity over all limbs; mm unless the name says otherwise, NaN = nothing to tell.

    ``coverage`` is the share of truths inside the stated 95 % interval; what so few limbs can say of that share lies
    between ``coverage_low`` and ``coverage_high``. ``missed`` names the goals that are not reached; empty = all are.
    """

    quantity: str
    count: int
    bias: float
    sd: float
    worst: float
    coverage: float = float("nan")
    goal: str = ""
    missed: tuple[str, ...] = ()
    coverage_low: float = float("nan")
    coverage_high: float = float("nan")


def summarize(comparisons: Sequence[Comparison], goals: Goals) -> tuple[Row, ...]:
    """Return the rows of the table."""
    rows = [_diameter(comparisons, name, goals) for name in DIAMETERS]
    rows += [_surface(comparisons, name) for name in ("endosteal", "periosteal")]
    rows += [_wall(comparisons, goals)]
    rows += [
        _share(comparisons, goals),
        _greatest("centre of the canal", _pool([c.centre_error_mm for c in comparisons]), CENTRE_GOAL_MM),
        *_isthmus(comparisons),
        _cannot_tell(comparisons),
    ]
    return tuple(rows)


def _pool(values: Sequence[FloatArray]) -> FloatArray:
    flat = np.concatenate([np.ravel(v) for v in values]) if values else np.empty(0)
    return flat[np.isfinite(flat)]


def _moments(error: FloatArray) -> tuple[int, float, float, float]:
    if not len(error):
        return 0, float("nan"), float("nan"), float("nan")
    return len(error), float(error.mean()), float(error.std()), float(np.abs(error).max())


def _against(bias: float, sd: float, limits: tuple[float, float]) -> tuple[str, ...]:
    return ("bias",) * (not abs(bias) <= limits[0]) + ("SD",) * (not sd <= limits[1])


def _with_coverage(row: Row, coverage: Coverage) -> Row:
    return replace(row, coverage=coverage.share, coverage_low=coverage.low, coverage_high=coverage.high,
                   missed=row.missed + ("coverage",) * coverage.missed)  # fmt: skip


def _diameter(comparisons: Sequence[Comparison], name: str, goals: Goals) -> Row:
    n, bias, sd, worst = _moments(_pool([c.diameter_error_mm[name] for c in comparisons]))
    known = [(c.diameter_error_mm[name], c.diameter_se_mm[name]) for c in comparisons if name in c.diameter_se_mm]
    limits = (goals.diameter_bias_mm, goals.diameter_sd_mm)
    goal = f"bias {limits[0]:g}, SD {limits[1]:g}"
    row = Row(f"{name} diameter", n, bias, sd, worst, goal=goal, missed=_against(bias, sd, limits))
    return _with_coverage(row, coverage_of_limbs(known))


def _surface(comparisons: Sequence[Comparison], name: str) -> Row:
    pairs = [(getattr(c, f"{name}_error_mm"), getattr(c, f"{name}_se_mm")) for c in comparisons]
    n, bias, sd, worst = _moments(_pool([error for error, _ in pairs]))
    goal = f"95 % interval {COVERAGE_RANGE[0]:.0%} to {COVERAGE_RANGE[1]:.0%}"
    return _with_coverage(Row(f"{name} surface", n, bias, sd, worst, goal=goal), coverage_of_limbs(pairs))


def _wall(comparisons: Sequence[Comparison], goals: Goals) -> Row:
    thick = [np.where(c.true_wall_mm >= THIN_WALL_MM, c.wall_error_mm, np.nan) for c in comparisons]
    n, bias, sd, worst = _moments(_pool(thick))
    limits = (goals.wall_bias_mm, goals.wall_sd_mm)
    missed = _against(bias, sd, limits)
    return Row(f"wall from {THIN_WALL_MM:g} mm", n, bias, sd, worst, goal=f"bias {limits[0]:g}, SD {limits[1]:g}",
               missed=missed)  # fmt: skip


def _share(comparisons: Sequence[Comparison], goals: Goals) -> Row:
    wrong = np.concatenate([c.wrong_reamer_bin for c in comparisons]) if comparisons else np.empty(0)
    share = float(wrong.mean()) if len(wrong) else float("nan")
    missed = () if share <= goals.wrong_bin else ("share",)
    return Row("wrong 0.5 mm bin, share", len(wrong), share, float("nan"), float("nan"),
               goal=f"{goals.wrong_bin:.0%}", missed=missed)  # fmt: skip


def _isthmus(comparisons: Sequence[Comparison]) -> list[Row]:
    """Judge the level by its goal where the program says that it can tell, and by its interval everywhere."""
    levels = [(np.array([c.isthmus_error_mm]), np.array([c.isthmus_se_mm])) for c in comparisons]
    errors = _pool([error for error, _ in levels])
    stated = Row("isthmus level, its interval", *_moments(errors), goal="95 % interval")
    told = _pool([np.where(TWO_SIDED_95 * se <= ISTHMUS_GOAL_MM, error, np.nan) for error, se in levels])
    return [
        _greatest("isthmus level, where told to 2 mm", told, ISTHMUS_GOAL_MM),
        _with_coverage(stated, coverage_of_limbs(levels)),
    ]


def _greatest(name: str, error: FloatArray, limit_mm: float) -> Row:
    n, bias, sd, worst = _moments(error)
    return Row(name, n, bias, sd, worst, goal=f"worst {limit_mm:g}", missed=("worst",) if worst > limit_mm else ())


def _cannot_tell(comparisons: Sequence[Comparison]) -> Row:
    shares = _pool([np.array([c.cannot_tell_share]) for c in comparisons])
    n, mean, sd, worst = _moments(shares)
    return Row("cannot tell, share of rays", n, mean, sd, worst, goal=f"{CANNOT_TELL_GOAL:.0%}",
               missed=("share",) if mean > CANNOT_TELL_GOAL else ())  # fmt: skip


def reaming_rows(errors: Sequence[ReamingErrors]) -> list[Row]:
    """Return the rows of what the same tools cut in the measured and in the exact canal."""
    share = np.array([e.removed_mm3 / e.true_removed_mm3 - 1 for e in errors if e.true_removed_mm3 > 0])
    n, bias, sd, worst = _moments(share)
    beyond = any(e.volume_excess > 1 for e in errors)
    volume = Row("removed cortical volume, share", n, bias, sd, worst,
                 goal=f"{VOLUME_GOAL_SHARE:.0%} + {VOLUME_GOAL_MM3:g} mm³", missed=("worst",) * beyond)  # fmt: skip
    wall = _pool([np.array([e.wall_error_mm]) for e in errors])
    contact = _pool([np.array([e.contact_error]) for e in errors])
    return [volume, _greatest("least wall left", wall, WALL_GOAL_MM),
            _greatest("contact share of the last reamer", contact, CONTACT_GOAL)]  # fmt: skip
