"""What running a cohort costs: two workers against one, the scheduler's own share, growth, a run with nothing to do.

First whole plans of phantoms and of a large scan; then a stand-in takes the place of planning (it waits, or burns a
core), so that only the running is measured.
"""

from __future__ import annotations

import csv
import hashlib
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from accuracy_cohort import draw
from large_volume import make_volume

import canalfit.cohort.rows as rows
import canalfit.cohort.run as cohort
from canalfit.cohort.answer import Answer, Job
from canalfit.cohort.options import RunOptions
from canalfit.cohort.run import run_cohort
from canalfit.cohort.settings import load_settings, settings_from
from dicom_io import write_ct_series

SECONDS = 0.5


def stand_in(job: Job) -> Answer:
    """Wait or burn as long as the scan's file says, and answer with tables of the usual size."""
    kind, seconds = (job.unit.path / "a.dcm").read_text().split()[:2]
    start = time.perf_counter()
    burnt = time.process_time()
    if kind == "wait":
        time.sleep(float(seconds))
    while kind == "burn" and time.process_time() - burnt < float(seconds):
        hashlib.sha256(bytes(10_000)).hexdigest()
    case = f"case-{hashlib.sha256(job.unit.name.encode()).hexdigest()[:10]}"
    key = (case, "femur", "left", "40 mm")
    tables = {
        "cases": [rows.refused_row(key, case, 10, case)],
        "levels": [[*key, *[float(i)] * 31] for i in range(30)],
        "fits": [[*key, i + 1, *[None] * 22] for i in range(150)],
        "failures": [],
    }
    files = {f"{name}.csv": rows.table_text(name, table).encode() for name, table in tables.items()}
    return Answer(case, case, case, files, seconds=time.perf_counter() - start)


def source(folder: Path, n: int, kind: str, seconds: float) -> Path:
    """Make n scans that are not scans."""
    for i in range(n):
        (folder / f"{i:04d}").mkdir(parents=True)
        (folder / f"{i:04d}" / "a.dcm").write_text(f"{kind} {seconds} {i}")
    return folder


def timed(place: Path, n: int, kind: str, seconds: float, options: RunOptions, name: str = "") -> float:
    """Return the seconds that a run over n scans takes, the start of its workers included."""
    scans = place / f"in-{n}-{kind}-{seconds}"
    if not scans.exists():
        source(scans, n, kind, seconds)
    start = time.perf_counter()
    run_cohort(scans, place / f"out-{n}-{kind}-{seconds}-{options.workers}{name}", options=options)
    return time.perf_counter() - start


def per_case(place: Path, kind: str, options: RunOptions, name: str = "") -> float:
    """Return the seconds that each further scan costs: start and end of a run drop out."""
    few, many = 6, 26
    timed(place, 2, "wait", 0.0, options, f"{name}-warm")  # what is loaded once is nobody's further scan
    short, long = (timed(place, n, kind, SECONDS, options, name) for n in (few, many))
    return (long - short) / (many - few)


def stand_ins(place: Path) -> None:
    """Measure the running alone."""
    empty = timed(place, 2, "wait", 0.0, RunOptions(workers=2))
    one, two = (per_case(place, "wait", RunOptions(workers=w)) for w in (1, 2))
    print(f"start and end of a run: {empty:.2f} s")
    print(f"2 workers against 1, {SECONDS} s of waiting: {one / two:.2f} x (goal 1.85)")
    print(f"overhead, process pool, 2 workers: {2 * two / SECONDS - 1:.1%} (goal 2 %)")
    burn = [per_case(place, "burn", RunOptions(workers=w)) for w in (1, 2)]
    print(f"2 workers against 1, {SECONDS} s of CPU: {burn[0] / burn[1]:.2f} x (goal 1.85; needs two idle cores)")
    _dask(place)
    burnt = [time.process_time()]
    for n in (10, 250, 1000):
        timed(place, n, "wait", 0.0, RunOptions(workers=2))
        burnt.append(time.process_time())
    small = [b - a for a, b in pairwise(burnt)]
    growth = (small[2] - small[1]) / 750 / ((small[1] - small[0]) / 240)
    print("own CPU for 10, 250, 1000 scans: " + ", ".join(f"{s:.2f} s" for s in small) + f"; {growth:.2f} x linear")
    again = timed(place, 1000, "wait", 0.0, RunOptions(workers=2))
    print(f"again with nothing to do over 1000: {again:.2f} s (goal 5 s)")


def _dask(place: Path) -> None:
    try:
        from distributed import LocalCluster
    except ImportError:
        print("dask: distributed is not installed")
        return
    with LocalCluster(1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        options = RunOptions(workers=2, scheduler=cluster.scheduler_address)
        seconds = per_case(place, "wait", options, "-dask")
    print(f"overhead, dask, 2 threads: {2 * seconds / SECONDS - 1:.1%} (goal 5 %)")


def real_plans(place: Path) -> None:
    """Measure whole plans of small phantoms, and the memory that one of a large scan takes."""
    draw(place, 18)
    lines = (place / "cases.csv").read_text().splitlines(keepends=True)
    settings = load_settings(place / "cohort.toml")
    costs = []
    for workers in (1, 2):
        seconds = []
        for n in (6, 18):
            table = place / f"first-{n}.csv"
            table.write_text("".join(lines[: n + 1]))
            start = time.perf_counter()
            run_cohort(table, place / f"plans-{n}-{workers}", settings, RunOptions(workers=workers))
            seconds.append(time.perf_counter() - start)
        costs.append((seconds[1] - seconds[0]) / 12)
    print(f"2 workers against 1, real plans of {costs[0]:.2f} s: {costs[0] / costs[1]:.2f} x (goal 1.85)")
    write_ct_series(make_volume(slices=300), place / "large" / "scan")
    asked = settings_from({"plan": {"bones": ["femur"], "side": "right", "at_mm": [60]}})
    run_cohort(place / "large", place / "large-out", asked, RunOptions(workers=1))
    with (place / "large-out" / "runtime.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    print(f"512 x 512 x 300 voxels: {float(row['memory_mb']):.0f} MB in the worker (goal 350), {row['seconds']} s")


def main() -> None:
    """Print one line for each goal."""
    with tempfile.TemporaryDirectory() as folder:
        real_plans(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        cohort.run_job = stand_in
        stand_ins(Path(folder))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.modules.setdefault("bench_cohort", sys.modules["__main__"])
    stand_in.__module__ = "bench_cohort"  # the workers find it by this name
    main()
