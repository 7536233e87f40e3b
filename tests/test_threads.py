"""Work on several cores: the same answers in the same order, and errors that arrive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dicom_io import read_series
from sizing.anatomy import Bone, Side
from sizing.implants import load_catalogue
from sizing.planning import PlanSettings, plan_case
from sizing.record import plan_record
from sizing.threads import cores, in_pieces, on_cores, spread


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_every_row_is_covered_once_and_order_is_kept(count: int) -> None:
    with on_cores(count):
        for rows in (0, 1, 7, 1000):
            seen = np.zeros(rows, int)

            def mark(first: int, end: int, seen: np.ndarray = seen) -> None:
                seen[first:end] += 1

            in_pieces(rows, mark)
            assert (seen == 1).all()
        assert spread(lambda x: x * x, range(20)) == [x * x for x in range(20)]


def test_the_first_error_is_raised() -> None:
    def fail(x: int) -> int:
        raise ValueError(f"item {x}")

    with on_cores(2), pytest.raises(ValueError, match="item 3"):
        spread(fail, (3, 4))


def test_what_is_spread_does_not_spread_again_and_one_thread_is_the_default() -> None:
    import threading

    def threads_of_two(_: int) -> int:
        return len(set(spread(lambda _: threading.get_ident(), (0, 1))))

    assert threads_of_two(0) == 1
    with on_cores(4):
        assert spread(threads_of_two, (0, 1)) == [1, 1]
    assert cores() >= 1


def test_a_plan_does_not_depend_on_threads(sample_scans: Path) -> None:
    """Byte for byte: pieces write only rows of their own, and sums are made in one order."""
    volume = read_series(sample_scans / "femur").volume
    settings = PlanSettings(bone=Bone.FEMUR, side=Side.RIGHT, resect_at_mm=120.0, families=("generic-pressfit-curved",))
    texts = []
    for count in (1, 3):
        with on_cores(count):
            plan = plan_case(volume, load_catalogue(), settings)
        texts.append(plan_record(plan)[1])
    assert texts[0] == texts[1]
