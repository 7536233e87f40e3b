"""How long a whole plan takes, and how much memory: the sample femur, and a large synthetic volume.

Goals: ``canalfit plan`` on the femur under 5 s and 600 MB with start-up, report and pictures, of which the numeric
work under 1 s; on 512 x 512 x 600 voxels the numeric work under 3 s and the peak below 1.5 x the int16 volume.
Times are medians; peaks are of the process, as the operating system counts them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
MB = 1e6

FEMUR = ["--bone", "femur", "--side", "right", "--resect-at", "120"]
PLAN = ["-m", "canalfit", "plan", "sample_scans/femur", *FEMUR, "--quiet"]

# Runs in a process of its own, so that the peak is its own.
LARGE = """
import json, resource, time
import numpy as np
from large_volume import make_volume
volume = make_volume()
from sizing.anatomy import Bone, Side
from sizing.implants import load_catalogue
from sizing.planning import PlanSettings, plan_case
catalogue = load_catalogue()
times, peaks = [], []
for _ in range(3):
    start = time.perf_counter()
    plan = plan_case(volume, catalogue, PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=100.0))
    times.append(time.perf_counter() - start)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(json.dumps({"seconds": sorted(times)[1], "peak": peaks[0], "volume": volume.hu.nbytes,
                  "timings": plan.timings_s}))
"""


def whole_command() -> tuple[float, float]:
    """Return wall time in s and peak memory in bytes of one ``canalfit plan`` on the femur."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *PLAN, "--out", str(Path(folder) / "plan")]
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 10):
        raise SystemExit("the plan of the sample femur failed")
    return seconds, usage.ru_maxrss * 1024


def numeric_part() -> dict[str, float]:
    """Return the seconds of each numeric step on the femur, median of several runs in one process."""
    from dicom_io import read_series
    from sizing.anatomy import Bone, Side
    from sizing.implants import load_catalogue
    from sizing.planning import PlanSettings, plan_case

    volume = read_series(ROOT / "sample_scans" / "femur").volume
    settings = PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=120.0)
    runs = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        plan = plan_case(volume, load_catalogue(), settings)
        runs.append({**plan.timings_s, "all": time.perf_counter() - start})
    warm = runs[1:]
    return {name: statistics.median(r[name] for r in warm) for name in warm[0]} | {"all, first call": runs[0]["all"]}


def large_volume() -> dict:
    """Plan 512 x 512 x 600 voxels in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main() -> int:
    """Print the table; return 1 if a goal is missed."""
    rows, missed = [], 0
    runs = [whole_command() for _ in range(RUNS)]
    rows.append(("canalfit plan, femur: wall time", statistics.median(r[0] for r in runs), 5.0, "s"))
    rows.append(("canalfit plan, femur: peak memory", max(r[1] for r in runs) / MB, 600.0, "MB"))
    steps = numeric_part()
    rows.append(("numeric work, femur", steps.pop("all"), 1.0, "s"))
    rows += [(f"  {name}", seconds, None, "s") for name, seconds in steps.items()]
    large = large_volume()
    rows.append(("numeric work, 512 x 512 x 600", large["seconds"], 3.0, "s"))
    rows += [(f"  {name}", seconds, None, "s") for name, seconds in large["timings"].items()]
    rows.append(("peak memory / int16 volume", large["peak"] / large["volume"], 1.5, ""))
    for name, value, goal, unit in rows:
        ok = "" if goal is None else ("ok" if value < goal else "MISSED")
        missed += ok == "MISSED"
        print(f"{name:44s} {value:9.3f} {unit:3s} {'' if goal is None else f'goal < {goal:g}':12s} {ok}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
