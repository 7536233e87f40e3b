"""Every limit of the reader in one place, each with its reason."""

from __future__ import annotations

import os
from pathlib import Path

# --- geometry -----------------------------------------------------------------------------------
MIN_SPACING_MM = 0.05  # below micro-CT of a bone sample; a smaller number is a wrong unit or a typing error
MAX_SPACING_MM = 5.0  # in the plane: a canal of 10 mm would be two voxels wide
DIRECTION_TOLERANCE = 1e-3  # unit length and right angle of Image Orientation; six-digit cosines are good to 1e-6
SAME_DIRECTION_TOLERANCE = 1e-4  # two slices of one stack; a corner 250 mm away then moves by 0.025 mm at most
SAME_SPACING_TOLERANCE = 1e-4  # relative; 0.02 mm over 200 mm
SAME_POSITION_MM = 1e-3  # closer than this along the normal, two slices lie on one another
GAP_TOLERANCE_MM = 0.01  # a slice gap may differ by this from the step, or by the share below if that is more
GAP_TOLERANCE_SHARE = 0.01
JITTER_NOTE_MM = 0.010  # residual of the least-squares step that is worth a word
TILT_NOTE_DEG = 0.1  # slice step against slice normal: less is rounding of the positions
TILT_TAG_NOTE_DEG = 1.0  # what the header tells of the tilt is rounded, and must still be that of the positions
TILT_LIMIT_DEG = 30.0  # gantries tilt to 30 degrees; more is a wrong header
POSITION_LIMIT_MM = 1e5  # scanner coordinates are within a few metres; a number beyond is damage
MIN_SLICES = 10  # fewer cannot hold a shaft: 10 slices of 1 mm are shorter than any collar region
COARSE_SLICE_MM = 3.0  # thicker slices blur a 6 mm wall seen obliquely
COARSE_PIXEL_MM = 0.9  # planning CT has 0.3 to 0.8 mm; reamers step by 0.5 mm
ANISOTROPY_NOTE = 2.0
FINEST_PIXEL_MM = 0.1  # photon-counting CT reaches 0.11; clinical pixels that were given in cm lie below
FIELD_TOLERANCE_SHARE = 0.02  # pixels against Reconstruction Diameter: half a pixel of a coarse matrix, and rounding
LEAST_STEP_SHARE = 0.25  # of the thickness: overlap goes to 70 % in use, positions in cm would be at a tenth
MOST_STEP_SHARE = 1.5  # of the thickness: beyond, a third of the bone was not looked at
OBLIQUE_NOTE_DEG = 30.0  # slices further off the axial plane are reformats as a rule
LONGEST_HOLE_RUN = 2  # more gaps of double size in a row are a change of step, not lost files

# --- size, checked against the header before anything is allocated ---------------------------------
MAX_ROWS_COLUMNS = 4096  # the largest CT matrices in use are 2048; a damaged header says 60000
MAX_FRAMES = 20_000  # one frame per 0.1 mm over 2 m
MAX_VOLUME_BYTES = 8 * 2**30  # int16: 16,384 slices of 512 x 512, or 2,048 of 1448 x 1448
MAX_FILES = 100_000  # files looked at in one source
MAX_DEPTH = 32  # nested folders, nested sequences

# --- bytes --------------------------------------------------------------------------------------
HEAD_BYTES = 16 * 1024  # first read of a file; most headers of CT slices are 2 to 12 kB
MAX_HEADER_BYTES = 64 * 2**20  # 20,000 frames of functional groups at about 2 kB, and room to spare
MAX_INFLATED_BYTES = 1 * 2**30  # one deflated file: a multi-frame object of 2,000 slices of 512 x 512
MAX_RATIO = 100  # inflated to packed; CT deflates to a half or a third, blank slices to a hundredth
FREE_INFLATED_BYTES = 16 * 2**20  # a blank 2048 x 2048 slice may pack better than the ratio
MAX_ARCHIVE_ENTRIES = 20_000
MAX_ARCHIVE_BYTES = 16 * 2**30  # all entries of one zip, unpacked


def memory_bytes() -> int:
    """Return the memory that this process may count on, or a large number where the system does not say."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        return total
    return min(total, limit)
