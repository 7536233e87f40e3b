"""The whole line on phantoms made like a given scan: what comes out, and how far that is from the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from sizing.canal import Canal, CanalAxis, measure_canal
from sizing.errors import CanalfitError
from sizing.implants import Catalogue
from sizing.phantom import make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.spec import PhantomSpec, ScanSpec
from sizing.phantom.truth import PhantomTruth
from sizing.planning import PlanSettings, plan_canal
from sizing.segmentation import find_residual_bone
from sizing.selfcheck.compare import Comparison, compare
from sizing.selfcheck.reaming import ReamingErrors, compare_reaming
from sizing.selfcheck.summary import Row, goals_for, reaming_rows, summarize

# Soft tissue close round the bone is enough for the whole line, and quick to draw.
FIELD_MM = 150.0


@dataclass(frozen=True)
class SelfcheckSettings:
    """What is tried.

    Attributes
    ----------
    scan : ScanSpec
        The scanner to imitate.
    limbs : int
        How many are drawn.
    seed : int
    catalogue : Catalogue or None
        With one, the size chosen from the scan is compared with the size chosen from the truth.
    """

    scan: ScanSpec = field(default_factory=ScanSpec)
    limbs: int = 9
    seed: int = 7
    catalogue: Catalogue | None = None


@dataclass(frozen=True)
class LimbResult:
    """One limb: its comparison, or why there is none; and both choices (part number, "nothing", or "" if not asked).

    ``reaming``: the tools of the choice made on the truth, driven through both canals.
    """

    spec: PhantomSpec
    comparison: Comparison | None
    refused: str = ""
    chosen: str = ""
    chosen_from_truth: str = ""
    diameter_mm: float = float("nan")
    diameter_from_truth_mm: float = float("nan")
    reaming: ReamingErrors | None = None


@dataclass(frozen=True)
class SelfcheckReport:
    """The table and what lies behind it."""

    scan: ScanSpec
    rows: tuple[Row, ...]
    limbs: tuple[LimbResult, ...]

    @property
    def good(self) -> bool:
        """Every goal is reached and no limb was refused."""
        return not any(row.missed for row in self.rows) and not any(limb.refused for limb in self.limbs)


def run_selfcheck(
    settings: SelfcheckSettings | None = None, tell: Callable[[int, LimbResult], None] | None = None
) -> SelfcheckReport:
    """Draw limbs, put each through the whole line, and compare.

    Parameters
    ----------
    settings : SelfcheckSettings, optional
        Default: nine limbs at the default scanner, without a choice of implant.
    tell : callable, optional
        Called with the number and result of each limb, for progress.
    """
    settings = settings or SelfcheckSettings()
    scan = replace(settings.scan, field_mm=FIELD_MM)
    results = []
    for i, spec in enumerate(draw_limbs(settings.limbs, settings.seed, scan=scan)):
        results.append(check_limb(spec, settings.catalogue))
        if tell is not None:
            tell(i, results[-1])
    comparisons = [r.comparison for r in results if r.comparison is not None]
    rows = summarize(comparisons, goals_for(scan))
    if settings.catalogue is not None:
        rows += (*reaming_rows([r.reaming for r in results if r.reaming is not None]), _choice_row(results))
    return SelfcheckReport(scan, rows, tuple(results))


def check_limb(spec: PhantomSpec, catalogue: Catalogue | None = None) -> LimbResult:
    """Put one phantom through the line: find the bone, measure, plan; a refusal is a result, too."""
    volume, truth = make_phantom(spec)
    cut_mm = spec.below_mm if spec.shape.end_depth_mm is None else None
    try:
        bone = find_residual_bone(volume, bone=spec.bone, side=spec.side, distal="low", resect_at_mm=cut_mm)
        canal = measure_canal(volume, bone)
    except CanalfitError as error:
        return LimbResult(spec, None, refused=str(error))
    result = LimbResult(spec, compare(truth, canal))
    if catalogue is None:
        return result
    exact = true_canal(truth, canal)
    try:
        ours, theirs = (plan_canal(c, catalogue, PlanSettings()).chosen for c in (canal, exact))
    except CanalfitError as error:
        return replace(result, refused=str(error))
    if theirs is not None:
        result = replace(result, reaming=compare_reaming(canal, exact, theirs.reaming_plan))
    return replace(
        result,
        chosen="nothing" if ours is None else ours.implant.part_number,
        chosen_from_truth="nothing" if theirs is None else theirs.implant.part_number,
        diameter_mm=float("nan") if ours is None else ours.implant.diameter_mm,
        diameter_from_truth_mm=float("nan") if theirs is None else theirs.implant.diameter_mm,
    )


def true_canal(truth: PhantomTruth, like: Canal) -> Canal:
    """Return the phantom's exact canal over the levels, and from the resection level, of a measured one."""
    start, stop = truth.axis.locate(like.axis.points_lps[[0, -1]])[:, 0]
    start, stop = max(start, truth.axis.depth_mm[0]), min(stop, truth.axis.depth_mm[-1])
    levels = start + np.arange(int(np.floor(stop - start)) + 1)
    at = truth.axis.at(levels)
    axis = CanalAxis(levels - start + like.axis.depth_mm[0], at.points_lps, at.s_lps, at.u_lps, at.v_lps)
    theta = like.theta_rad
    inner, outer = (truth.radius_at(levels[:, None], theta, surface) for surface in ("endosteal", "periosteal"))
    return Canal(axis, theta, inner, outer, bone=like.bone, side=like.side, resection=like.resection)


def _choice_row(results: list[LimbResult]) -> Row:
    asked = [r for r in results if r.chosen]
    differs = [r.chosen != r.chosen_from_truth for r in asked]
    step = np.array([r.diameter_mm - r.diameter_from_truth_mm for r in asked])
    known = step[np.isfinite(step)]
    return Row(
        "implant diameter chosen",
        len(asked),
        float(known.mean()) if len(known) else float("nan"),
        float(known.std()) if len(known) else float("nan"),
        float(np.abs(known).max()) if len(known) else float("nan"),
        goal=f"{sum(differs)} of {len(asked)} differ from the choice made on the truth",
    )
