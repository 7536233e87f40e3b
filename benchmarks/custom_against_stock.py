"""The best stock stem beside the custom stem on real limbs: the rows of the table in docs/method/custom.md.

    python benchmarks/custom_against_stock.py                      the sample scans
    python benchmarks/custom_against_stock.py SERIES:BONE:MM ...   any series, cut so many mm above the lowest bone

One thread, default settings. Contact is a share of the stem's flank, cortex taken one of the cortex along the stem;
walls are rounded down.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

for _library in ("OPENBLAS", "MKL", "OMP"):  # before numpy: threads of small products only wait for each other
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

from dicom_io import read_series  # noqa: E402
from sizing.anatomy import Bone  # noqa: E402
from sizing.customise import CustomPlan, customise  # noqa: E402
from sizing.errors import InputError  # noqa: E402
from sizing.implants import load_catalogue  # noqa: E402
from sizing.planning import PlanSettings, plan_case  # noqa: E402
from sizing.spelling import wall_text  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ("femur:femur:40", "tibia:tibia:40", "humerus:humerus:20")
HEAD = ("limb, bone removed", "best stock stem", "contact", "least wall, mm", "wall where cut, mm", "cortex taken",
        "gap, ml", "section", "worth it")  # fmt: skip


def answer(custom: CustomPlan) -> str:
    """Return the verdict in a word or two."""
    if custom.fit.rejected:
        return "neither serves" if custom.stock[0].rejected else "custom does not serve"
    if custom.stock[0].rejected:
        return "no stock stem serves"
    return "yes" if "worth its trouble" in custom.verdict else "no"


def row(series: Path, bone: str, resect_mm: float) -> tuple[str, ...]:
    """Plan a limb, design its custom stem, and return one row of the table."""
    plan = plan_case(read_series(series).volume, load_catalogue(), PlanSettings(Bone(bone), resect_at_mm=resect_mm))
    custom = customise(plan)
    stock, own = custom.stock[0], custom.fit

    def both(of, unit: str = "") -> str:  # type: ignore[no-untyped-def]
        return " / ".join(f"{of(f)}{unit}" for f in (stock, own))

    def known(value: float, text: str) -> str:
        return text if math.isfinite(value) else "–"

    return (
        f"{series.name}, {resect_mm:g} mm", stock.implant.part_number, both(lambda f: f"{f.contact_share:.0%}"),
        both(lambda f: wall_text(f.wall_min_mm)),
        both(lambda f: known(f.reamed_wall_min_mm, wall_text(f.reamed_wall_min_mm))),
        both(lambda f: f"{f.removed_share:.0%}"), both(lambda f: known(f.gap_mm3, f"{f.gap_mm3 / 1000:.1f}")),
        custom.design.settings.section, answer(custom),
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for argument in sys.argv[1:] or [f"{ROOT / 'sample_scans'}/{name}" for name in SAMPLES]:
        place, bone, mm = argument.rsplit(":", 2)
        try:
            cells = row(Path(place), bone, float(mm))
        except InputError as error:
            cells = (f"{Path(place).name}, {mm} mm", str(error))
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
