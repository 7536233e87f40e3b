"""How long a custom stem takes: design and checks, then solids and CAD, then the specification's pages.

Goals: design and checks at most 2 s, at most 10 s with meshes, STEP and their deviation. Plans are made first, from the
sample scans and from plan folders or ``plan.json`` files that are named on the command line. One thread; wall seconds,
the middle of RUNS.

    python benchmarks/bench_custom.py [PLAN ...]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

for _library in ("OPENBLAS", "MKL", "OMP"):  # before numpy: threads of small products only wait for each other
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

from canalfit.custom_case import write_solids  # noqa: E402
from dicom_io import read_series  # noqa: E402
from sizing.anatomy import Bone  # noqa: E402
from sizing.customise import CustomPlan, customise  # noqa: E402
from sizing.errors import InputError  # noqa: E402
from sizing.implants import load_catalogue  # noqa: E402
from sizing.implants.cad import cad_kernel_available  # noqa: E402
from sizing.planning import ImplantationPlan, PlanSettings, plan_case  # noqa: E402
from sizing.record import plan_from_record, read_record  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
SAMPLES = (("femur", 40.0), ("tibia", 40.0), ("humerus", 20.0))
GOAL_DESIGN_S, GOAL_SOLIDS_S = 2.0, 10.0


def plans() -> Iterator[tuple[str, ImplantationPlan]]:
    """Yield name and plan of each case."""
    catalogue = load_catalogue()
    for name, resect_mm in SAMPLES:
        read = read_series(ROOT / "sample_scans" / name)
        yield name, plan_case(read.volume, catalogue, PlanSettings(bone=Bone(name), resect_at_mm=resect_mm))
    for argument in map(Path, sys.argv[1:]):
        file = argument / "plan.json" if argument.is_dir() else argument
        yield file.parent.name, plan_from_record(read_record(file))


def timed_design(plan: ImplantationPlan) -> tuple[float, CustomPlan]:
    """Return the middle time in s, and the stem."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        custom = customise(plan)
        times.append(time.perf_counter() - start)
    return statistics.median(times), custom


def main() -> None:
    """Print one line per case and the worst of each column."""
    worst = [0.0, 0.0]
    for name, plan in plans():
        try:
            design_s, custom = timed_design(plan)
        except InputError as error:
            print(f"{name:14s} no custom stem: {error}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            solid = write_solids(custom, Path(folder), "AP214")
            solids_s = time.perf_counter() - start
        worst = [max(worst[0], design_s), max(worst[1], design_s + solids_s)]
        stock = custom.stock[0]
        print(
            f"{name:14s} design {design_s:5.2f} s, solids {solids_s:5.2f} s; contact {stock.contact_share:.0%} -> "
            f"{custom.fit.contact_share:.0%}, wall {stock.wall_min_mm:.2f} -> {custom.fit.wall_min_mm:.2f} mm, cortex "
            f"taken {stock.removed_share:.1%} -> {custom.fit.removed_share:.1%}, mesh {solid.mesh.worst_mm:.4f} mm"
        )
    kernel = "with" if cad_kernel_available() else "without"
    goals = f"goals {GOAL_DESIGN_S:g} and {GOAL_SOLIDS_S:g} s"
    print(f"worst: design {worst[0]:.2f} s, {kernel} CAD kernel {worst[1]:.2f} s ({goals})")


if __name__ == "__main__":
    main()
