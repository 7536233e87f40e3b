"""How long one bone takes to find in a scan of 512 x 512 x 600, and what it costs in memory, beside two libraries.

The scan holds a residual femur and a whole one beside it, so that the largest component is the wrong
bone. Run with ``make bench``; exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from large_volume import make_volume

from sizing.anatomy import Bone, Side
from sizing.segmentation import find_residual_bone
from sizing.volume import CtVolume

GOAL_SECONDS = 0.3
GOAL_MEMORY_SHARE = 0.5  # on top of the int16 volume
REPEATS = 5


def by_scipy(volume: CtVolume) -> None:
    """Threshold, label, take the component: what one writes first."""
    from scipy import ndimage

    labels, _ = ndimage.label(volume.hu > 400)
    np.bincount(labels.ravel())


def by_simpleitk(volume: CtVolume) -> None:
    """Do the same in SimpleITK."""
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(volume.hu)
    sitk.RelabelComponent(sitk.ConnectedComponent(image > 400))


def find(volume: CtVolume) -> None:
    """Find the residual femur on the right."""
    find_residual_bone(volume, bone=Bone.FEMUR, side=Side.RIGHT)


def measure(work: Callable[[CtVolume], None], volume: CtVolume, repeats: int) -> tuple[float, float]:
    """Return the median seconds and the peak of memory (MiB) allocated by a call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(volume)
        seconds.append(time.perf_counter() - start)
    tracemalloc.start()
    work(volume)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return float(np.median(seconds)), peak


def main() -> int:
    """Print the table; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--libraries", action="store_true", help="time scipy and SimpleITK too (minutes, 3 GB)")
    arguments = parser.parse_args()
    volume = make_volume()
    size_mib = volume.hu.nbytes / 2**20
    print(f"512 x 512 x 600 int16, {size_mib:.0f} MiB")
    find(volume)  # imports
    rows = [("find_residual_bone", *measure(find, volume, REPEATS))]
    if arguments.libraries:
        rows.append(("scipy.ndimage.label alone", *measure(by_scipy, volume, 1)))
        rows.append(("SimpleITK ConnectedComponent alone", *measure(by_simpleitk, volume, 1)))
    for name, seconds, peak in rows:
        print(f"{name:40s} {seconds * 1000:8.0f} ms  +{peak:6.0f} MiB")
    _, seconds, peak = rows[0]
    return int(seconds > GOAL_SECONDS or peak > GOAL_MEMORY_SHARE * size_mib)


if __name__ == "__main__":
    sys.exit(main())
