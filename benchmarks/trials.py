"""What the accuracy benchmarks share: limbs under one stress each, measured apart from the finding of the bone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

for _library in ("OPENBLAS", "MKL", "OMP"):  # before numpy: threads of small products only wait for each other
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from sizing.canal import measure_canal  # noqa: E402
from sizing.errors import CanalfitError  # noqa: E402
from sizing.phantom import PhantomSpec, make_phantom  # noqa: E402
from sizing.phantom.population import draw_limbs  # noqa: E402
from sizing.phantom.spec import ScanSpec  # noqa: E402
from sizing.selfcheck import Comparison, compare, true_residual_bone  # noqa: E402

# A limb in muscle only: enough for its edges, and quick to draw.
FIELD_MM = 120.0
LENGTH_MM = 90.0
SEED = 20


@dataclass(frozen=True)
class Trial:
    """One limb measured; ``comparison`` None = refused, with the reason."""

    spec: PhantomSpec
    comparison: Comparison | None
    refused: str = ""


def limbs(count: int, scan: ScanSpec, seed: int = SEED, tilt_deg: float | None = None) -> Iterator[PhantomSpec]:
    """Yield unseen limbs of all bones that run through the scan, without their cancellous bone and HU waves."""
    for spec in draw_limbs(count, seed, scan=scan):
        tilt = spec.pose.tilt_deg * 0.75 if tilt_deg is None else tilt_deg  # 15 degrees at most
        field = FIELD_MM + 1.1 * LENGTH_MM * np.sin(np.deg2rad(tilt))
        tissue = replace(spec.shape.tissue, cancellous_hu=0.0, cortex_waves=(), cortex_wave_along=0.0)
        canal = replace(spec.shape.canal, isthmus_depth_mm=0.5 * LENGTH_MM)
        yield replace(
            spec,
            length_mm=LENGTH_MM,
            shape=replace(spec.shape, tissue=tissue, canal=canal, end_depth_mm=None),
            pose=replace(spec.pose, tilt_deg=tilt),
            scan=replace(scan, field_mm=field),
        )


def with_tissue(specs: Iterable[PhantomSpec], **changes: object) -> Iterator[PhantomSpec]:
    """Change the bone's tissue."""
    for s in specs:
        yield replace(s, shape=replace(s.shape, tissue=replace(s.shape.tissue, **changes)))  # type: ignore[arg-type]


def with_wall(specs: Iterable[PhantomSpec], wall_mm: float) -> Iterator[PhantomSpec]:
    """Set the mean wall, with its waves but without its slope and ridge."""
    for s in specs:
        wall = replace(s.shape.wall, wall_mm=wall_mm, slope_mm_per_100mm=0.0, bumps=())
        yield replace(s, shape=replace(s.shape, wall=wall))


def measure(spec: PhantomSpec) -> Trial:
    """Draw, measure with the true locator, compare."""
    volume, truth = make_phantom(spec)
    try:
        canal = measure_canal(volume, true_residual_bone(volume, truth))
    except CanalfitError as error:
        return Trial(spec, None, str(error))
    return Trial(spec, compare(truth, canal))


def run_all(specs: Iterable[PhantomSpec], jobs: int = 1) -> list[Trial]:
    """Measure many limbs, on ``jobs`` processes."""
    if jobs == 1:
        return [measure(s) for s in specs]
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(measure, list(specs)))


def pooled(trials: Iterable[Trial], pick) -> np.ndarray:
    """Return all finite values of one array of every comparison."""
    values = [np.ravel(pick(t.comparison)) for t in trials if t.comparison is not None]
    flat = np.concatenate(values) if values else np.empty(0)
    return flat[np.isfinite(flat)]
