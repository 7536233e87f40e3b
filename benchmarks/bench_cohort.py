"""What running a cohort costs: two workers against one, the scheduler's own share, growth, a run with nothing to do.

A stand-in takes the place of planning (it waits, or burns a core), so that only the running is measured.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import canalfit.cohort.rows as rows
import canalfit.cohort.run as cohort
from canalfit.cohort.answer import Answer, Job
from canalfit.cohort.run import RunOptions, run_cohort

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
    long, short = (timed(place, n, kind, SECONDS, options, name) for n in (many, few))
    return (long - short) / (many - few)


def main() -> None:
    """Print one line for each goal."""
    cohort.run_job = stand_in
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
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


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.modules.setdefault("bench_cohort", sys.modules["__main__"])
    stand_in.__module__ = "bench_cohort"  # the workers find it by this name
    main()
