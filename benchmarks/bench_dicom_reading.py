"""How long reading a CT series takes beside SimpleITK, highdicom and dicom2nifti, and how much memory.

Goals: 512 x 512 x 600 uncompressed at most 0.7 x SimpleITK's wall time and 1.3 x the int16 volume in peak memory;
JPEG-LS and JPEG 2000 at most 1.3 x SimpleITK on two processors; RLE faster; headers of 2,000 files in 1.5 s.
Each reading runs in a process of its own, imports excluded; medians of interleaved rounds after one not counted
(it fills the page cache).
``python benchmarks/bench_dicom_reading.py [slices] [rounds]``; a peer that is not installed is left out. dicom2nifti
brings python-gdcm, which can abort the whole process: keep it in an environment of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SLICES, ROUNDS, SIDE = 600, 5, 512
COMPRESSED_SLICES = 120  # the ratio does not depend on the number, the patience does
HEADER_FILES = 2000

# The peak is that of the whole process tree's largest member, above what the imports took.
CHILD = """
import json, resource, sys, time
folder, series = sys.argv[1], None
{imports}
def rss():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
before, cpu = rss(), time.process_time()
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(json.dumps(dict(seconds=seconds, peak=rss(), before=before)))
"""

READERS = {
    "canalfit": ("import numpy; import scipy.ndimage; from dicom_io import read_series", "x = read_series(folder)"),
    "SimpleITK": (
        "import SimpleITK as sitk",
        "r = sitk.ImageSeriesReader()\nr.SetFileNames(r.GetGDCMSeriesFileNames(folder))\n"
        "x = sitk.GetArrayFromImage(r.Execute())",
    ),
    "highdicom": (
        "import highdicom as hd, pydicom, numpy as np, glob",
        "ds = [pydicom.dcmread(p) for p in sorted(glob.glob(folder + '/*'))]\n"
        "raw = dict(apply_real_world_transform=False, apply_modality_transform=False)\n"
        "x = hd.get_volume_from_series(ds, dtype=np.int16, **raw)",
    ),
    "dicom2nifti": (
        "import pydicom, glob, numpy as np\nimport dicom2nifti.convert_generic as g, dicom2nifti.common as c",
        "ds = c.read_dicom_directory(folder)\nx = g.dicom_to_nifti(ds, None)['NII'].get_fdata(dtype=np.float32)",
    ),
}
HEADERS = ("from dicom_io import find_series", "x = find_series(folder)\nassert len(x[0].frames) == {n}")


def measure(folder: Path, imports: str, work: str) -> dict | None:
    """Run one reading in a process of its own."""
    code = CHILD.format(imports=imports, work=work)
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print("   failed:", done.stderr.strip().splitlines()[-1][:160])
        return None
    return json.loads(done.stdout.splitlines()[-1])


def make_series(folder: Path, n: int, syntax: str | None = None) -> None:
    """Write a noisy thigh; the slices repeat after 24, so that making them stays quick."""
    sys.path.insert(0, str(ROOT / "tests" / "dicom_io"))
    import ct_files

    rng = np.random.default_rng(0)
    base = ct_files.limb((24, SIDE, SIDE), noise_hu=18.0)
    slices = ct_files.series(np.broadcast_to(base[:1], (n, SIDE, SIDE)), spacing_mm=(0.8, 0.7, 0.7))
    folder.mkdir(parents=True)
    for k, ds in enumerate(slices):
        ct_files.set_hu(ds, np.clip(base[k % 24].astype(int) + rng.integers(-2, 3), -1024, 3071))
        if syntax:
            ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(folder / f"IM{k:05d}.dcm", enforce_file_format=True)


def compare(title: str, folder: Path, names: list[str], rounds: int, volume_bytes: int) -> None:
    """Print one table."""
    results: dict[str, list[dict]] = {name: [] for name in names}
    for at in range(rounds + 1):
        for name in names:
            result = measure(folder, *READERS[name])
            if result and at:  # the first round fills the page cache and touches the memory
                results[name].append(result)
    print(f"\n{title}")
    reference = statistics.median(r["seconds"] for r in results["SimpleITK"])
    for name, rows in results.items():
        if rows:
            seconds = statistics.median(r["seconds"] for r in rows)
            peak = statistics.median(r["peak"] - r["before"] for r in rows)
            print(
                f"  {name:12s} {seconds:6.2f} s ({min(r['seconds'] for r in rows):.2f} at best)   "
                f"{seconds / reference:5.2f} x SimpleITK   "
                f"peak {peak / 1e6:6.0f} MB = {peak / volume_bytes:4.2f} x the int16 volume"
            )


def main() -> None:
    """Make the series, measure, print."""
    slices, rounds = (int(a) for a in (sys.argv[1:] + [SLICES, ROUNDS][len(sys.argv) - 1 :])[:2])
    names = [n for n in READERS if n == "canalfit" or find_spec(n)]
    if "SimpleITK" not in names:
        raise SystemExit("SimpleITK is not installed: pip install SimpleITK highdicom dicom2nifti")
    from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as base:
        raw = Path(base) / "raw"
        make_series(raw, slices)
        compare(f"uncompressed, {slices} slices of {SIDE} x {SIDE}", raw, names, rounds, 2 * SIDE * SIDE * slices)
        both = ["canalfit", "SimpleITK"]
        for uid in (JPEGLSLossless, JPEG2000Lossless, RLELossless):
            folder = Path(base) / uid.split(".")[-1]
            make_series(folder, COMPRESSED_SLICES, uid)
            title = f"{uid.name}, {COMPRESSED_SLICES} slices"
            compare(title, folder, both, rounds, 2 * SIDE * SIDE * COMPRESSED_SLICES)
        small = Path(base) / "headers"
        for k in range(4):  # four copies of 500 slices, as one scan would be
            part = HEADER_FILES // 4
            make_headers(raw, small, k * part, part)
        rows = [measure(small, HEADERS[0], HEADERS[1].format(n=HEADER_FILES)) for _ in range(rounds)]
        print(f"\nheaders of {HEADER_FILES} files: {statistics.median(r['seconds'] for r in rows if r):.2f} s")


def make_headers(raw: Path, target: Path, start: int, n: int) -> None:
    """Copy slices as they are; only their headers will be read."""
    target.mkdir(exist_ok=True)
    sources = sorted(raw.iterdir())
    for k in range(n):
        os.link(sources[k % len(sources)], target / f"IM{start + k:05d}.dcm")


if __name__ == "__main__":
    main()
