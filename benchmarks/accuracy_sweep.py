"""A fractional sweep over all that changes from limb to limb and scan to scan, with the usual methods beside ours.

``--write`` puts the tables into ``docs/method/accuracy.md``. Exit code is 0: goals are judged by accuracy_goals.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from accuracy_goals import write_between
from peers import METHODS, measure_by
from trials import FIELD_MM, LENGTH_MM

from sizing.canal import measure_canal
from sizing.errors import CanalfitError
from sizing.phantom import PhantomSpec, make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.spec import ScanSpec
from sizing.selfcheck import Comparison, compare, true_residual_bone

OURS = "canalfit"
FACTORS: dict[str, tuple] = {
    "wall_mm": (1.0, 1.5, 2.0, 3.0, 4.5, 6.0),
    "canal_mm": (8.0, 10.0, 12.0, 16.0, 20.0),
    "pixel_mm": (0.4, 0.55, 0.7, 0.85, 0.98),
    "slice_mm": (0.6, 1.0, 1.5, 2.0, 3.3),
    "step_share": (1.0, 0.7),
    "kernel": ("smooth", "sharp"),
    "profile": ("triangle", "box", "gauss"),
    "tilt_deg": (0.0, 10.0, 20.0, 35.0),
    "noise_hu": (8.0, 15.0, 30.0, 60.0),
    "cortex_hu": (1000.0, 1300.0, 1600.0, 1900.0),
    "cancellous_hu": (0.0, 0.0, 150.0, 300.0),
    "decay_mm": (1.5, 4.0),
}
# An error of a whole reamer step, or a third of the rays without an answer, is a failure to be listed.
FAILURE_MM, FAILURE_UNKNOWN = 0.25, 1 / 3
MARKS = ("<!-- sweep: begin -->", "<!-- sweep: end -->")


@dataclass(frozen=True)
class Case:
    """One volume: its levels of the factors, and what each method made of it (None = refused)."""

    levels: dict
    found: dict[str, Comparison | None]
    refused: str = ""

    def for_method(self, method: str) -> Comparison | None:
        """Return one method's comparison."""
        return self.found.get(method)


def design(count: int, seed: int) -> list[dict]:
    """Every level of a factor equally often (to one), in random combination."""
    random = np.random.default_rng(seed)
    columns = {name: random.permutation(np.resize(np.arange(len(v)), count)) for name, v in FACTORS.items()}
    return [{name: FACTORS[name][columns[name][i]] for name in FACTORS} for i in range(count)]


def specs(count: int, seed: int) -> Iterator[tuple[dict, PhantomSpec]]:
    """Yield levels and limbs: a drawn shape with the design's numbers put in."""
    for levels, limb in zip(design(count, seed), draw_limbs(count, seed), strict=True):
        x = levels
        sharp = x["kernel"] == "sharp"
        sigma = (0.5 if sharp else 0.62) * max(x["pixel_mm"], 0.55)
        scan = ScanSpec(x["pixel_mm"], x["slice_mm"], x["slice_mm"] * x["step_share"], sigma, x["kernel"],
                        profile=x["profile"], noise_hu=x["noise_hu"],
                        field_mm=FIELD_MM + 1.2 * LENGTH_MM * np.sin(np.deg2rad(x["tilt_deg"])))  # fmt: skip
        shape = limb.shape
        shape = replace(
            shape,
            end_depth_mm=None,
            canal=replace(shape.canal, diameter_mm=x["canal_mm"], isthmus_depth_mm=0.5 * LENGTH_MM),
            wall=replace(shape.wall, wall_mm=x["wall_mm"], slope_mm_per_100mm=0.0, bumps=()),
            tissue=replace(shape.tissue, cortex_hu=x["cortex_hu"], cancellous_hu=x["cancellous_hu"],
                           cancellous_decay_mm=x["decay_mm"]),
        )  # fmt: skip
        pose = replace(limb.pose, tilt_deg=x["tilt_deg"])
        yield levels, replace(limb, length_mm=LENGTH_MM, shape=shape, pose=pose, scan=scan)


def try_case(case: tuple[dict, PhantomSpec]) -> Case:
    """Draw one volume and measure it by every method."""
    levels, spec = case
    volume, truth = make_phantom(spec)
    found: dict[str, Comparison | None] = {m: compare(truth, measure_by(m, volume, truth)) for m in METHODS}
    refused = ""
    try:
        found[OURS] = compare(truth, measure_canal(volume, true_residual_bone(volume, truth)))
    except CanalfitError as error:
        found[OURS], refused = None, str(error)
    return Case(levels, found, refused)


def overview(cases: list[Case]) -> str:
    """All methods over all volumes."""
    lines = ["| method | inscribed diameter | area diameter | wall | worst volume | wrong bin | cannot tell |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for method in (*METHODS, OURS):
        got = [c.found[method] for c in cases if c.found[method] is not None]
        inscribed, area, wall = (_told(e) for e in _errors(got))
        biases = [
            abs(np.nanmean(c.diameter_error_mm["inscribed"])) for c in got if _any(c.diameter_error_mm["inscribed"])
        ]
        wrong = np.concatenate([c.wrong_reamer_bin for c in got])
        unknown = np.mean([c.cannot_tell_share for c in got])
        lines.append(
            f"| {method} | {inscribed} | {area} | {wall} | {max(biases):.2f} | {wrong.mean():.0%} | {unknown:.1%} |"
        )
    return "\n".join(lines)


def by_factor(cases: list[Case]) -> str:
    """Ours and the best peer by the level of each factor."""
    peer = METHODS[-1]
    lines = [f"| factor | level | volumes | ours: inscribed | ours: wall | {peer}: inscribed | {peer}: wall |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, values in FACTORS.items():
        for value in sorted(set(values)):
            chosen = [c for c in cases if c.levels[name] == value]
            cells = []
            for method in (OURS, peer):
                got = [c.found[method] for c in chosen if c.found[method] is not None]
                inscribed, _, wall = (_told(e) for e in _errors(got))
                cells += [inscribed, wall]
            lines.append(f"| {name} | {value} | {len(chosen)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def failures(cases: list[Case]) -> str:
    """Ours: volumes with a bias of half a reamer step, or many rays without an answer, or refused."""
    lines = []
    for c in cases:
        got = c.found[OURS]
        words = ", ".join(f"{k} {v}" for k, v in c.levels.items())
        if got is None:
            lines.append(f"- refused: {c.refused} ({words})")
            continue
        error = got.diameter_error_mm["inscribed"]
        bias = float(np.nanmean(error)) if _any(error) else float("nan")
        wall = float(np.nanmean(got.wall_error_mm)) if _any(got.wall_error_mm) else float("nan")
        if (
            max(abs(np.nan_to_num(bias)), abs(np.nan_to_num(wall))) > FAILURE_MM
            or got.cannot_tell_share > FAILURE_UNKNOWN
        ):
            told = f"inscribed {bias:+.2f}, wall {wall:+.2f} mm, cannot tell {got.cannot_tell_share:.0%}"
            lines.append(f"- {told} ({words})")
    return "\n".join(lines) or "None."


def _any(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).any())


def _errors(got: list[Comparison]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    picks = (
        lambda c: c.diameter_error_mm["inscribed"],
        lambda c: c.diameter_error_mm["area"],
        lambda c: c.wall_error_mm,
    )
    return tuple(_finite([np.ravel(pick(c)) for c in got]) for pick in picks)  # type: ignore[return-value]


def _finite(values: list[np.ndarray]) -> np.ndarray:
    flat = np.concatenate(values) if values else np.empty(0)
    return flat[np.isfinite(flat)]


def _told(error: np.ndarray) -> str:
    return f"{error.mean():+.3f} ± {error.std():.3f}" if len(error) else "–"


def main() -> int:
    """Run the sweep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/method/accuracy.md")
    args = parser.parse_args()
    start = time.perf_counter()
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(args.jobs) as pool:
        cases = list(pool.map(try_case, list(specs(args.count, args.seed))))
    text = "\n\n".join([f"{len(cases)} volumes.", overview(cases), "By factor:", by_factor(cases),
                        "Failures of ours (bias beyond half a reamer step, or a third of the rays without an answer):",
                        failures(cases)])  # fmt: skip
    print(text, f"\n({time.perf_counter() - start:.0f} s)")
    if args.write:
        write_between(Path(__file__).resolve().parent.parent / "docs" / "method" / "accuracy.md", MARKS, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
