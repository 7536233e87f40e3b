"""Seeded mutation of DICOM series: every result must be a typed refusal or a volume that is not wrong.

"Not wrong" means: geometry as built, and Hounsfield units as built everywhere but in the pixel bytes
that were mutated themselves, which no reader can tell without a check sum. Used by the tests (500
series) and by ``make fuzz`` (20,000).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import ct_files
import numpy as np
import pydicom
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from dicom_io import DicomError, ReadOptions, read_series

NATIVE = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
COMPRESSED = [RLELossless, JPEGLSLossless, JPEG2000Lossless]
SHAPE = (12, 32, 32)
# A damaged position below the jitter that is fitted away (row 6) may move the geometry by as much.
POSITION_MM = 0.02
# A damaged rescale that moves a slice by less than five standard errors of its median (about 1000 voxels of
# 25 HU scatter) cannot be told from anatomy; the reader warns (CF-D011b) and goes on.
LEAST_HU = 8


@dataclass
class Tally:
    """What came of a run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the counts, most frequent first."""
        return ", ".join(f"{name} {n}" for name, n in self.outcomes.most_common())


class Target:
    """One small series on disk in one transfer syntax; one file at a time is mutated."""

    def __init__(self, folder: Path, syntax: str) -> None:
        self.hu = ct_files.limb(SHAPE)
        self.folder = folder
        self.is_compressed = syntax in COMPRESSED
        self.paths = self._write(syntax)
        self.clean = [p.read_bytes() for p in self.paths]
        result = read_series(folder)
        assert np.array_equal(result.volume.hu, self.hu)
        self.affine = result.volume.geometry.affine
        # Where the pixels begin: the last element of the file. A deflated file is one block.
        deflated = syntax == DeflatedExplicitVRLittleEndian
        self.pixels_from = [132 if deflated else _pixel_offset(p) for p in self.paths]

    def _write(self, syntax: str) -> list[Path]:
        self.folder.mkdir(parents=True)
        paths = []
        for k, ds in enumerate(ct_files.series(self.hu)):
            ds.PixelPaddingValue = 4000
            ds.add_new(0x00091010, "OB", bytes(range(64)))
            if self.is_compressed:
                ds.compress(syntax, generate_instance_uid=False)
            elif syntax == ExplicitVRBigEndian:
                ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
            ds.file_meta.TransferSyntaxUID = syntax
            paths.append(self.folder / f"IM{k:03d}.dcm")
            implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
            pydicom.dcmwrite(paths[-1], ds, implicit_vr=implicit, little_endian=little, force_encoding=True)
        return paths

    def attack(self, rng: random.Random, tally: Tally, label: str) -> None:
        """Mutate one file, read the series, restore the file."""
        k = rng.randrange(len(self.paths))
        data, kind, last = mutate(self.clean[k], rng, self.pixels_from[k])
        self.paths[k].write_bytes(data)
        try:
            result = read_series(self.folder, options=ReadOptions(workers=1))
        except DicomError as error:
            tally.outcomes[error.code] += 1
        except BaseException as error:
            tally.outcomes["CRASH"] += 1
            tally.wrong.append(f"{label} file {k} {kind}: {type(error).__name__}: {error}")
        else:
            tally.outcomes["read"] += 1
            fault = self._fault(result.volume, k, in_pixels=last >= self.pixels_from[k])
            if fault:
                tally.wrong.append(f"{label} file {k} {kind} at byte {last}: {fault}")
        finally:
            self.paths[k].write_bytes(self.clean[k])

    def _fault(self, volume, k: int, *, in_pixels: bool) -> str:
        truth, affine = self.hu, self.affine
        if len(volume.hu) == len(truth) - 1 and k in (0, len(truth) - 1):
            # An end slice that moved to a series of its own: a shorter stack, but a true one.
            truth = truth[1:] if k == 0 else truth[:-1]
            affine = affine.copy()
            affine[:3, 3] += affine[:3, 0] * (k == 0)
            k = -1
        if volume.hu.shape != truth.shape:
            return f"shape {volume.hu.shape}"
        move = np.abs(volume.geometry.affine - affine).max()
        if move > POSITION_MM:
            return f"geometry is off by {move:.3f} mm"
        wrong = np.abs(volume.hu.astype(int) - truth) > LEAST_HU
        wrong &= ~((volume.hu == -1000) & (truth < -900))  # padding that became air where air is
        if in_pixels and k >= 0:
            wrong[k] = False
        return f"{np.count_nonzero(wrong)} voxels are wrong" if wrong.any() else ""


def _pixel_offset(path: Path) -> int:
    ds = pydicom.dcmread(path)
    value = ds.PixelData
    return path.read_bytes().rindex(value[:64])


def mutate(clean: bytes, rng: random.Random, pixels_from: int) -> tuple[bytes, str, int]:
    """Return damaged bytes, the kind of damage, and how far it reaches; two in three begin in the header."""
    data = bytearray(clean)
    start, stop = (0, pixels_from) if rng.random() < 0.67 else (pixels_from, len(data))
    at = rng.randrange(start, max(stop, start + 1))
    kind = rng.choice(["flip", "flip", "flips", "digit", "zero", "ones", "cut", "insert", "delete", "copy"])
    n = rng.choice([1, 2, 4, 16, 64])
    if kind == "flip":
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "flips":
        for _ in range(n):
            at_k = rng.randrange(start, max(stop, start + 1))
            data[at_k] = rng.randrange(256)
            at = min(at, at_k)
    elif kind == "digit":
        digits = [i for i in range(132, pixels_from) if 48 <= data[i] < 58]
        at = rng.choice(digits) if digits else at
        data[at] = rng.choice(b"0123456789.,-\\ ")
    elif kind in ("zero", "ones"):
        n = min(n, len(data) - at)
        data[at : at + n] = (b"\0" if kind == "zero" else b"\xff") * n
        at += n - 1
    elif kind == "cut":
        del data[at:]
    elif kind == "insert":
        data[at:at] = rng.randbytes(n)
    elif kind == "delete":
        del data[at : at + n]
    else:
        source = rng.randrange(len(data))
        data[at : at + n] = data[source : source + n]
        at += n - 1
    return bytes(data), kind, at


def run(folder: Path, cases: int, seed: int, compressed_share: float = 0.1) -> Tally:
    """Attack ``cases`` times, in all syntaxes; the same seed gives the same damage."""
    rng = random.Random(seed)
    targets = {uid: Target(folder / uid.name.replace(" ", "_")[:40], uid) for uid in [*NATIVE, *COMPRESSED]}
    tally = Tally()
    for case in range(cases):
        uid = rng.choice(COMPRESSED if rng.random() < compressed_share else NATIVE)
        targets[uid].attack(rng, tally, f"case {case} {uid.name}")
    return tally
