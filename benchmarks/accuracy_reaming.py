"""What tools take from a canal that was measured in a scan, against the same tools in the exact canal.

Limbs are drawn from a population (unseen shapes), 0.7 mm pixels, 1 mm slices. On one axis tools of growing size run
through both: one that grazes the narrowest place of the canal, and ones 1, 2 and 3 mm wider. Exit code 1 = a goal is
not reached. ``--write`` puts the table into ``docs/method/accuracy.md``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from accuracy_goals import COARSE, FINE, write_between
from trials import limbs

from sizing.canal import measure_canal
from sizing.errors import CanalfitError
from sizing.phantom import PhantomSpec, make_phantom
from sizing.phantom.spec import ScanSpec
from sizing.reaming import Clearance, Reamer, ReamerPass, ReamingPlan, widest_cylinder
from sizing.selfcheck import true_residual_bone
from sizing.selfcheck.reaming import (
    CONTACT_GOAL,
    VOLUME_GOAL_MM3,
    VOLUME_GOAL_SHARE,
    WALL_GOAL_MM,
    ReamingErrors,
    compare_reaming,
)
from sizing.selfcheck.run import true_canal

LIMBS = 6
FROM_MM, TO_MM = 2.0, 80.0
# Wider than the widest cylinder that the exact canal holds.
OVERSIZES_MM = (0.25, 1.0, 2.0, 3.0)
MARKS = ("<!-- reaming: begin -->", "<!-- reaming: end -->")


def errors_of(spec: PhantomSpec) -> list[ReamingErrors] | None:
    """Return measured minus true for every oversize; None where the scan is refused."""
    volume, truth = make_phantom(spec)
    try:
        canal = measure_canal(volume, true_residual_bone(volume, truth))
    except CanalfitError:
        return None
    exact = true_canal(truth, canal)
    axis, width_mm = widest_cylinder(exact, FROM_MM, TO_MM, Clearance.CANAL)
    tools = [Reamer(round(width_mm + more, 2)) for more in OVERSIZES_MM]
    return [compare_reaming(canal, exact, ReamingPlan((ReamerPass(tool, axis, TO_MM),))) for tool in tools]


def rows_of(scan: ScanSpec, name: str, judged: bool) -> tuple[list[str], bool]:
    """Measure the limbs of one grid; return the table's rows, and whether all goals are reached."""
    found = [e for e in (errors_of(s) for s in limbs(LIMBS, scan)) if e is not None]
    rows, reached = [], bool(found)
    for more, errors in zip(OVERSIZES_MM, zip(*found, strict=True), strict=True):
        volume = max(e.volume_excess for e in errors)
        wall = np.array([e.wall_error_mm for e in errors])
        contact = np.array([e.contact_error for e in errors])
        good = volume <= 1 and np.abs(wall).max() <= WALL_GOAL_MM and np.abs(contact).max() <= CONTACT_GOAL
        off = np.array([e.removed_mm3 - e.true_removed_mm3 for e in errors])
        cut = np.mean([e.true_removed_mm3 for e in errors])
        rows.append(
            f"| {name} | +{more:g} mm | {cut:.0f} | {off.mean():+.1f}, worst {np.abs(off).max():.1f} ({volume:.0%}) | "
            f"{wall.mean():+.3f}, worst {np.abs(wall).max():.3f} | "
            f"{contact.mean():+.4f}, worst {np.abs(contact).max():.4f} | {'yes' if good else '**no**'} |"
        )
        reached &= bool(good) or not judged
    return rows, reached


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into docs/method/accuracy.md")
    args = parser.parse_args()
    lines = [
        f"| grid | tool over the canal | cortex cut, mm³ | error, mm³ (share of {VOLUME_GOAL_SHARE:.0%} + "
        f"{VOLUME_GOAL_MM3:g} mm³) | wall, ≤ {WALL_GOAL_MM} mm | contact share, ≤ {CONTACT_GOAL} | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    fine, reached = rows_of(FINE, "0.7 × 0.7 × 1.0 mm", True)
    coarse, _ = rows_of(COARSE, "0.98 × 0.98 × 3.3 mm (no goal)", False)
    text = "\n".join([*lines, *fine, *coarse])
    print(text)
    if args.write:
        page = Path(__file__).resolve().parent.parent / "docs" / "method" / "accuracy.md"
        write_between(page, MARKS, text)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
