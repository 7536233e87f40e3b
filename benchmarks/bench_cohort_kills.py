"""Real plans of small phantoms, killed ten times at random moments and started again: are the bytes the same?

Usage: bench_cohort_kills.py [number of limbs, default 12]. Every second kill takes the workers along, as a power cut
does; the others leave them behind, as the kernel does when memory is short.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from accuracy_cohort import draw

KILLS = 10
SEED = 12


def bytes_of(results: Path) -> dict[str, str]:
    """Return the hash of every file that a second run must give again."""
    files = (p for p in sorted(results.rglob("*")) if p.is_file() and not p.name.startswith((".lock", "runtime.")))
    return {str(p.relative_to(results)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def kill_at(command: list[str], seconds: float, *, workers_too: bool) -> bool:
    """Start a run and kill it; return False if it was finished before."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        if workers_too:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        return True


def main(n: int) -> int:
    """Print how the runs went; return the exit code."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw(folder, n)
        run = [sys.executable, "-m", "canalfit", "cohort", str(folder / "cases.csv"), "--settings",
               str(folder / "cohort.toml"), "--quiet", "--workers", "1", "--out"]  # fmt: skip
        start = time.perf_counter()
        subprocess.run([*run, str(folder / "calm")], check=False)
        calm_s = time.perf_counter() - start
        moments, done, kills = random.Random(SEED), [], 0
        while kills < KILLS:
            # From before the worker is ready to some cases later, so that ten kills fall before the end.
            moment_s = moments.uniform(0.5, 0.3 * calm_s)
            if not kill_at([*run, str(folder / "rough")], moment_s, workers_too=kills % 2 == 0):
                break
            kills += 1
            done.append(len(list((folder / "rough" / "cases").glob("*"))))
        subprocess.run([*run, str(folder / "rough")], check=False)
        same = bytes_of(folder / "calm") == bytes_of(folder / "rough")
        print(f"{n} limbs, {len(bytes_of(folder / 'calm'))} files; undisturbed {calm_s:.1f} s; killed {kills} times, "
              f"cases there after each kill: {done}; the same bytes: {'yes' if same else 'NO'}")  # fmt: skip
        return 0 if same and kills == KILLS else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12))
