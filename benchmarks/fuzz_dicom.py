"""20,000 damaged DICOM series: each must end in a typed refusal or in a volume that is not wrong.

``python benchmarks/fuzz_dicom.py [cases] [seed]``; the tests run 500 of them. About ten minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "dicom_io")]
CASES, SEED = 20_000, 7


def main() -> int:
    """Run, print the outcomes, and return 1 if one of them is neither refusal nor truth."""
    import mutate

    warnings.simplefilter("ignore")  # pydicom's remarks on the series that are built wrong on purpose
    cases, seed = (int(a) for a in (sys.argv[1:] + [CASES, SEED][len(sys.argv) - 1 :])[:2])
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tally = mutate.run(Path(folder) / "series", cases, seed)
    print(f"{cases} series in {time.perf_counter() - start:.0f} s: {tally.line()}")
    print(f"wrong volumes or crashes: {len(tally.wrong)}")
    print("\n".join(tally.wrong[:50]))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
