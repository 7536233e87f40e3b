"""Stand-ins for the planning of one scan: they run in the worker processes of the tests."""

import hashlib
import os
import signal
import sys
import time

import canalfit.cohort.rows as rows
from canalfit.cohort.answer import Answer, Job


def quick(job: Job) -> Answer:
    """A case made of the bytes of its files; files named crash, hang and memory do what they say."""
    names = sorted(p.name for p in job.unit.path.iterdir())
    if "quit.txt" in names or ("blas.txt" in names and not (job.unit.path.parents[1] / "memory-comes").exists()):
        if "blas.txt" in names:
            sys.stderr.write("OpenBLAS error: Memory allocation still failed after 10 retries, giving up.\n")
            sys.stderr.flush()
        os._exit(1)
    if "crash.txt" in names:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang.txt" in names:
        time.sleep(60)
    if "memory.txt" in names:
        bytearray(10**10)
    if "mistake.txt" in names:
        raise ZeroDivisionError("a mistake of ours")
    time.sleep(float(os.environ.get("STUB_SECONDS", "0.0")))
    digest = hashlib.sha256()
    for name in names:
        digest.update((job.unit.path / name).read_bytes())
    sha = digest.hexdigest()
    if sha in job.known:
        return Answer(f"case-{sha[:10]}", f"case-{sha[:4]}", sha, same_as_known=True)
    case = job.unit.case or f"case-{hashlib.sha256(job.unit.name.encode()).hexdigest()[:10]}"
    if "same-scan.txt" in names:
        case = "case-same"
    key = (case, "femur", "left", "40 mm")
    tables = {
        "cases": [rows.refused_row(key, "patient-1", 0, sha)],
        "levels": [[*key, float(i)] + [None] * 30 for i in range(3)],
        "fits": [],
        "failures": [],
    }
    files = {f"{name}.csv": rows.table_text(name, table).encode() for name, table in tables.items()}
    return Answer(case, "patient-1", sha, {**files, "femur-left-40-mm/plan.json": os.urandom(0) + sha.encode()})
