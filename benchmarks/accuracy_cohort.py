"""A cohort of unseen phantom femora through ``canalfit cohort``: is the truth inside the stated intervals?

Usage: accuracy_cohort.py [number of limbs, default 500] [folder to keep]. Small grids: 0.7 mm pixels, 2 mm slices.
With a folder it may be stopped at any time and started again: what is drawn and planned stays.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from canalfit.cli import main
from dicom_io import write_ct_series
from sizing.anatomy import Bone
from sizing.errors import InputError
from sizing.intervals import TWO_SIDED_95
from sizing.phantom import PhantomSpec, PhantomTruth, make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.spec import ScanSpec
from sizing.record.codec import unpack_floats
from sizing.volume import CtVolume

SEED = 500
SCAN = ScanSpec(pixel_mm=0.7, slice_step_mm=2.0, slice_thickness_mm=2.0, field_mm=90.0)
WIDER_MM = 140.0  # for the few limbs that lean out of it
GOAL = (0.90, 0.99)
SETTINGS = '[plan]\nat_mm = [20]\nfamilies = ["generic-pressfit-straight"]\n'
PLANNED = ("0", "4", "10")
# Quantities of levels.csv that state an error, with the column of it.
STATED = {
    "inscribed_diameter_mm": "inscribed_diameter_se_mm",
    "minor_diameter_mm": "minor_diameter_se_mm",
    "major_diameter_mm": "major_diameter_se_mm",
    "area_diameter_mm": "area_diameter_se_mm",
    "canal_area_mm2": "canal_area_se_mm2",
    "cortical_area_mm2": "cortical_area_se_mm2",
    "wall_min_mm": "wall_min_se_mm",
}

Truth = dict[str, np.ndarray]
Row = dict[str, str]


def draw(folder: Path, n: int) -> None:
    """Write n limbs as DICOM, their truths, and a table of cases; those that are there stay."""
    lines = ["path,case,bone,side"]
    (folder / "truth").mkdir(exist_ok=True)
    for i, spec in enumerate(draw_limbs(n, SEED, Bone.FEMUR, SCAN)):
        name = f"limb{i:04d}"
        lines.append(f"{name},{name},femur,{spec.side}")
        if (folder / "truth" / f"{name}.npz").exists():  # written last
            continue
        volume, truth = in_a_field(spec)
        write_ct_series(volume, folder / name, seed=spec.name)
        part = folder / "truth" / f"part-{os.getpid()}.npz"
        np.savez_compressed(part, **columns_of(truth))
        part.replace(folder / "truth" / f"{name}.npz")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "cohort.toml").write_text(SETTINGS)


def in_a_field(spec: PhantomSpec) -> tuple[CtVolume, PhantomTruth]:
    """Draw a limb in the small field of view, or in a wider one where it needs that."""
    try:
        return make_phantom(spec)
    except InputError:
        return make_phantom(replace(spec, scan=replace(spec.scan, field_mm=WIDER_MM)))


def columns_of(truth: PhantomTruth) -> Truth:
    """Return the truth of every quantity that states an error, level by level along the true axis."""
    outer = 0.5 * np.mean(truth.periosteal_radius_mm**2, axis=1) * 2.0 * np.pi
    canal = 0.25 * np.pi * truth.area_diameter_mm**2
    return {
        "depth_mm": truth.axis.depth_mm,
        "points_lps": truth.axis.points_lps,
        "inscribed_diameter_mm": truth.inscribed_diameter_mm,
        "minor_diameter_mm": truth.minor_diameter_mm,
        "major_diameter_mm": truth.major_diameter_mm,
        "area_diameter_mm": truth.area_diameter_mm,
        "canal_area_mm2": canal,
        "cortical_area_mm2": outer - canal,
        "wall_min_mm": truth.wall_normal_mm.min(axis=1),
        "isthmus_diameter_mm": np.array(truth.isthmus_diameter_mm),
    }


def true_depths(plan: Path, truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Return the depths of a plan's levels, and where they lie on the true axis; NaN beyond its ends."""
    axis = json.loads(plan.read_text())["canals"][0]["axis"]
    points, depth = (_array(axis[name]) for name in ("points_lps", "depth_mm"))
    dense = np.linspace(truth["depth_mm"][0], truth["depth_mm"][-1], 4 * len(truth["depth_mm"]))
    line = np.stack([np.interp(dense, truth["depth_mm"], c) for c in truth["points_lps"].T], axis=-1)
    nearest = np.argmin(np.linalg.norm(points[:, None] - line[None], axis=-1), axis=1)
    return depth, np.where((nearest > 0) & (nearest < len(dense) - 1), dense[nearest], np.nan)


def _array(data: object) -> np.ndarray:
    return unpack_floats(data) if isinstance(data, dict) else np.array(data, float)


def read_rows(path: Path) -> list[Row]:
    """Read one table."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def compare(folder: Path) -> dict[str, np.ndarray]:
    """Return error, standard error and limb of every stated quantity: one (k, 3) array each."""
    results = folder / "results"
    found: dict[str, list[list[float]]] = {name: [] for name in (*STATED, "isthmus_diameter_mm")}
    by_case: dict[str, list[Row]] = {}
    for row in read_rows(results / "levels.csv"):
        by_case.setdefault(row["case"], []).append(row)
    isthmus = {row["case"]: row for row in read_rows(results / "cases.csv")}
    for number, (case, rows) in enumerate(sorted(by_case.items())):
        with np.load(folder / "truth" / f"{case}.npz") as file:
            truth = dict(file)
        depth, at = true_depths(results / "cases" / case / f"femur-{rows[0]['side']}-20-mm" / "plan.json", truth)
        where = np.interp([float(row["depth_mm"]) for row in rows], depth, at)
        for name, error in STATED.items():
            true = np.interp(where, truth["depth_mm"], truth[name])
            found[name] += [
                [float(row[name]) - t, float(row[error]), number]
                for row, t in zip(rows, true, strict=True)
                if row[name] and row[error] and np.isfinite(t)
            ]
        of = isthmus[case]
        if of["isthmus_diameter_mm"] and of["isthmus_diameter_se_mm"] and np.isfinite(truth["isthmus_diameter_mm"]):
            error_mm = float(of["isthmus_diameter_mm"]) - float(truth["isthmus_diameter_mm"])
            found["isthmus_diameter_mm"].append([error_mm, float(of["isthmus_diameter_se_mm"]), number])
    return {name: np.array(rows, float).reshape(-1, 3) for name, rows in found.items()}


def inside_share(found: np.ndarray) -> float:
    """Return how often the truth lies inside the stated 95 % interval."""
    return float(np.mean(np.abs(found[:, 0]) <= TWO_SIDED_95 * found[:, 1])) if len(found) else float("nan")


def report(folder: Path, n: int) -> bool:
    """Print how rows, intervals and memory came out; return True if all goals are met."""
    rows = read_rows(folder / "results" / "cases.csv")
    print(f"{n} limbs: {len(rows)} rows, {sum(r['exit_code'] in PLANNED for r in rows)} planned")
    print("quantity                  n      bias       SD  median SE  truth inside  worst tenth of limbs")
    shares = []
    for name, found in compare(folder).items():
        limbs = [inside_share(found[found[:, 2] == k]) for k in np.unique(found[:, 2])]
        shares.append(inside_share(found))
        print(f"{name:22} {len(found):5d} {np.mean(found[:, 0]):+9.3f} {np.std(found[:, 0]):8.3f} "
              f"{np.median(found[:, 1]):10.3f} {shares[-1]:13.1%} {np.percentile(limbs, 10):21.0%}")  # fmt: skip
    print(f"goal: truth inside at {GOAL[0]:.0%} to {GOAL[1]:.0%}")
    runtime = read_rows(folder / "results" / "runtime.csv")
    memory = np.array([float(r["memory_mb"]) for r in runtime])
    tenth = max(len(memory) // 10, 1)
    print(f"memory of a worker: first tenth {np.median(memory[:tenth]):.0f} MB, last tenth "
          f"{np.median(memory[-tenth:]):.0f} MB, most {memory.max():.0f} MB; "
          f"{np.median([float(r['seconds']) for r in runtime]):.2f} s a limb")  # fmt: skip
    return len(rows) == n and all(GOAL[0] <= share <= GOAL[1] for share in shares)


def run(folder: Path, n: int) -> int:
    """Draw, plan, compare; return the exit code."""
    draw(folder, n)
    main(["cohort", str(folder / "cases.csv"), "--settings", str(folder / "cohort.toml"), "--out",
          str(folder / "results"), "--quiet"])  # fmt: skip
    return 0 if report(folder, n) else 1


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    if len(sys.argv) > 2:
        Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
        sys.exit(run(Path(sys.argv[2]), count))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(run(Path(place), count))
