"""Plan an implant from Python: the line from scan to choice, one arrow at a time."""

from pathlib import Path

from dicom_io import read_series
from sizing.anatomy import Bone
from sizing.implants import load_catalogue
from sizing.planning import PlanSettings, plan_case

scan = read_series(Path(__file__).parent.parent / "sample_scans" / "femur")
plan = plan_case(scan.volume, load_catalogue(), PlanSettings(bone=Bone.FEMUR, resect_at_mm=120.0))

print(f"{plan.canal.side} {plan.canal.bone}, {plan.canal.axis.depth_mm[-1]:.0f} mm of canal measured")
if plan.chosen is None:
    print("no implant fits:", *{reason for fit in plan.fits for reason in fit.rejected}, sep="\n  ")
else:
    stem = plan.chosen.implant
    print(f"{stem.part_number}: {stem.diameter_mm:g} x {stem.length_mm:g} mm, last reamer {stem.last_reamer_mm:g} mm")
    print(f"wall left {plan.chosen.wall_min_mm:.1f} mm, {plan.chosen.wall_min_direction}")
for finding in plan.findings:
    print(f"{finding.level}: {finding.message}")
