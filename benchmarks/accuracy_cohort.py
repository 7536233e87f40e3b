"""A cohort of unseen phantom femora through ``canalfit cohort``: is the truth inside the stated intervals?

Usage: accuracy_cohort.py [number of limbs, default 500] [folder to keep]. Small grids: 0.7 mm pixels, 2 mm slices.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from canalfit.cli import main
from dicom_io import write_ct_series
from sizing.anatomy import Bone
from sizing.phantom import PhantomTruth, make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.spec import ScanSpec
from sizing.record.codec import unpack_floats

SEED = 500
SCAN = ScanSpec(pixel_mm=0.7, slice_step_mm=2.0, slice_thickness_mm=2.0, field_mm=90.0)
GOAL = (0.90, 0.99)
Z = 1.959964
SETTINGS = '[plan]\nat_mm = [20]\nfamilies = ["generic-pressfit-straight"]\n'


def draw(folder: Path, n: int) -> dict[str, PhantomTruth]:
    """Write n limbs as DICOM with a table of cases; return their truths."""
    truths = {}
    lines = ["path,case,bone,side"]
    for i, spec in enumerate(draw_limbs(n, SEED, Bone.FEMUR, SCAN)):
        volume, truth = make_phantom(spec)
        write_ct_series(volume, folder / f"limb{i:04d}", seed=spec.name)
        truths[f"limb{i:04d}"] = truth
        lines.append(f"limb{i:04d},limb{i:04d},femur,{spec.side}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "cohort.toml").write_text(SETTINGS)
    return truths


def true_depths(plan: Path, truth: PhantomTruth) -> tuple[np.ndarray, np.ndarray]:
    """Return the depths of a plan's levels, and where they lie on the true axis."""
    axis = json.loads(plan.read_text())["canals"][0]["axis"]
    points, depth = (_array(axis[name]) for name in ("points_lps", "depth_mm"))
    dense = np.linspace(truth.axis.depth_mm[0], truth.axis.depth_mm[-1], 4 * len(truth.axis.depth_mm))
    line = np.stack([np.interp(dense, truth.axis.depth_mm, c) for c in truth.axis.points_lps.T], axis=-1)
    nearest = np.argmin(np.linalg.norm(points[:, None] - line[None], axis=-1), axis=1)
    return depth, dense[nearest]


def _array(data: object) -> np.ndarray:
    return unpack_floats(data) if isinstance(data, dict) else np.array(data, float)


def compare(results: Path, truths: dict[str, PhantomTruth]) -> np.ndarray:
    """Return (k, 3): error, standard error and limb of the inscribed diameter at every station."""
    out = []
    with (results / "levels.csv").open(newline="") as file:
        by_case: dict[str, list[dict[str, str]]] = {}
        for row in csv.DictReader(file):
            by_case.setdefault(row["case"], []).append(row)
    for number, (case, rows) in enumerate(sorted(by_case.items())):
        plan = results / "cases" / case / f"femur-{rows[0]['side']}-20-mm" / "plan.json"
        depth, at = true_depths(plan, truths[case])
        for row in rows:
            if not (row["inscribed_diameter_mm"] and row["inscribed_diameter_se_mm"]):
                continue
            where = np.interp(float(row["depth_mm"]), depth, at)
            true = float(truths[case].level_of(where, truths[case].inscribed_diameter_mm))
            out.append([float(row["inscribed_diameter_mm"]) - true, float(row["inscribed_diameter_se_mm"]), number])
    return np.array(out)


def run(folder: Path, n: int) -> int:
    """Draw, plan, compare; return the exit code."""
    truths = draw(folder, n)
    main(["cohort", str(folder / "cases.csv"), "--settings", str(folder / "cohort.toml"), "--out",
          str(folder / "results"), "--quiet"])  # fmt: skip
    with (folder / "results" / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    planned = sum(r["exit_code"] in ("0", "4", "10") for r in rows)
    found = compare(folder / "results", truths)
    error, se = found[:, 0], found[:, 1]
    inside = np.abs(error) <= Z * se
    print(f"{n} limbs: {len(rows)} rows, {planned} planned; {len(found)} stations")
    print(f"inscribed diameter: bias {np.nanmean(error):+.3f} mm, SD {np.nanstd(error):.3f}, "
          f"median SE {np.nanmedian(se):.3f}")  # fmt: skip
    share = float(inside[np.isfinite(error)].mean())
    print(f"truth inside the stated 95 % interval: {share:.1%} of stations (goal {GOAL[0]:.0%} to {GOAL[1]:.0%})")
    return 0 if len(rows) == n and GOAL[0] <= share <= GOAL[1] else 1


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    if len(sys.argv) > 2:
        Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
        sys.exit(run(Path(sys.argv[2]), count))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(run(Path(place), count))
