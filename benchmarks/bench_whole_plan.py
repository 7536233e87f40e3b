"""How long a whole plan takes, and how much memory: the sample femur, and a large synthetic volume.

Goals: ``canalfit plan`` on the femur under 5 s and 600 MB with start-up, report and pictures, of which the numeric
work under 1 s; on 512 x 512 x 600 voxels the numeric work under 3 s and the peak below 1.5 x the int16 volume.
Times are medians. The memory of the whole command is that of the process and its children together.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
SAMPLE_S = 0.05  # how often memory is looked at
MB = 1e6

FEMUR = ["--bone", "femur", "--side", "right", "--resect-at", "120"]
PLAN = ["-m", "canalfit", "plan", "sample_scans/femur", *FEMUR, "--quiet"]

# Runs in a process of its own, so that the peak is its own.
LARGE = """
import json, resource, time
import numpy as np
from large_volume import make_volume
from sizing.threads import cores, on_cores
volume = make_volume()
from sizing.anatomy import Bone, Side
from sizing.implants import load_catalogue
from sizing.planning import PlanSettings, plan_case
catalogue = load_catalogue()
times, peaks = [], []
for _ in range(3):
    start = time.perf_counter()
    with on_cores(cores()):
        plan = plan_case(volume, catalogue, PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=100.0))
    times.append(time.perf_counter() - start)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(json.dumps({"seconds": sorted(times)[1], "peak": peaks[0], "volume": volume.hu.nbytes,
                  "timings": plan.timings_s}))
"""


def whole_command() -> tuple[float, float]:
    """Return wall time in s and peak memory in bytes of one ``canalfit plan`` on the femur, its children included."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *PLAN, "--out", str(Path(folder) / "plan")]
        start = time.perf_counter()
        main = psutil.Popen(command, cwd=ROOT)
        peak = 0.0
        while main.poll() is None:
            peak = max(peak, family_bytes(main))
            time.sleep(SAMPLE_S)
        seconds = time.perf_counter() - start
    if main.returncode not in (0, 10):
        raise SystemExit("the plan of the sample femur failed")
    return seconds, peak


def family_bytes(main: psutil.Process) -> float:
    """Memory of a process and its children; what several share is counted once (PSS, where the system tells)."""
    total = 0.0
    for process in [main, *main.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it has just ended
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
    return total


def numeric_part() -> dict[str, float]:
    """Return the seconds of each numeric step on the femur, median of several runs in one process."""
    from dicom_io import read_series
    from sizing.anatomy import Bone, Side
    from sizing.implants import load_catalogue
    from sizing.planning import PlanSettings, plan_case
    from sizing.threads import cores, on_cores

    volume = read_series(ROOT / "sample_scans" / "femur").volume
    settings = PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=120.0)
    runs = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        with on_cores(cores()):
            plan = plan_case(volume, load_catalogue(), settings)
        runs.append({**plan.timings_s, "all": time.perf_counter() - start})
    warm = runs[1:]
    return {name: statistics.median(r[name] for r in warm) for name in warm[0]} | {"all, first call": runs[0]["all"]}


def axis_search() -> tuple[float, float]:
    """Return the seconds to place one stem, the slowest of all lengths and bows, and to place and measure all."""
    from dicom_io import read_series
    from sizing.anatomy import Bone, Side
    from sizing.fit import fit_all, fit_context
    from sizing.fit.placement import place_axis
    from sizing.implants import load_catalogue
    from sizing.planning import PlanSettings, plan_case

    catalogue = load_catalogue()
    settings = PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=120.0)
    plan = plan_case(read_series(ROOT / "sample_scans" / "femur").volume, catalogue, settings)
    stems = [fit.implant for fit in plan.fits]
    context = fit_context(plan.canal, reamers=plan.reamers, isthmus_depth_mm=plan.shape.isthmus_depth_mm)
    one_of_each = {(i.length_mm, i.bow_radius_mm): i for i in stems}.values()
    slowest = max(median_seconds(lambda stem=stem: place_axis(context, stem)) for stem in one_of_each)
    return slowest, median_seconds(lambda: fit_all(context, stems))


def median_seconds(work: Callable[[], object]) -> float:
    """Return the median wall time of a few calls."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


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
    rows.append(("canalfit plan, femur: peak memory with children", max(r[1] for r in runs) / MB, 600.0, "MB"))
    steps = numeric_part()
    rows.append(("numeric work, femur", steps.pop("all"), 1.0, "s"))
    rows += [(f"  {name}", seconds, None, "s") for name, seconds in steps.items()]
    one_stem, catalogue = axis_search()
    rows.append(("best axis for one stem, the slowest", one_stem, 0.05, "s"))
    rows.append(("whole catalogue with axis search", catalogue, 1.0, "s"))
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
