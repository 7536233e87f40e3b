"""What a real limb may bring that the measuring model does not know of: how large is the error, and is it said?

No goals: the table shows bias and scatter, how far single rays go astray, what share of rays gets no answer, and
what share of rays gets one where there is nothing. ``--write`` puts it into ``docs/method/accuracy.md``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy_goals import COARSE, FINE, SHARP, write_between
from trials import Trial, limbs, pooled, run_all, with_tissue, with_wall

from sizing.phantom import PhantomSpec
from sizing.phantom.spec import Bump, Harmonic, LyticDefect, Pin, Plug, ScanSpec
from sizing.selfcheck.coverage import coverage_of

COUNT = 3
MARKS = ("<!-- stresses: begin -->", "<!-- stresses: end -->")
Specs = Iterator[PhantomSpec]


def _shape(specs: Iterable[PhantomSpec], **changes: object) -> Specs:
    for s in specs:
        yield replace(s, shape=replace(s.shape, **changes))  # type: ignore[arg-type]


def _limb(specs: Iterable[PhantomSpec], **changes: object) -> Specs:
    for s in specs:
        yield replace(s, limb=replace(s.limb, **changes))  # type: ignore[arg-type]


def _bumps(specs: Iterable[PhantomSpec], inside: tuple[Bump, ...] = (), outside: tuple[Bump, ...] = ()) -> Specs:
    for s in specs:
        canal = replace(s.shape.canal, bumps=inside)
        yield replace(s, shape=replace(s.shape, canal=canal, wall=replace(s.shape.wall, bumps=outside)))


def _limbs(scan: ScanSpec = FINE) -> Specs:
    return limbs(COUNT, scan)


VARIES = {"cortex_waves": (Harmonic(1, 0.07, 40.0), Harmonic(2, 0.03, 100.0, 60.0)), "cortex_wave_along": 0.05}
RIDGE_IN = (Bump(45.0, 200.0, -1.2, 1.2, 30.0),)
SPUR = (Bump(30.0, 70.0, 5.0, 2.0, 3.0),)
STRESSES: dict[str, Callable[[], Specs]] = {
    "none": lambda: _limbs(),
    "noise × 3 (60 HU)": lambda: _limbs(replace(FINE, noise_hu=60.0)),
    "texture of marrow and muscle, 25 HU": lambda: _limb(_limbs(), texture_hu=25.0),
    "porosity: 20 % of HU missing at the endosteum": lambda: with_tissue(_limbs(), porosity=0.2),
    "porosity: 50 %": lambda: with_tissue(_limbs(), porosity=0.5),
    "porosity: 20 %, in a straight line": lambda: with_tissue(_limbs(), porosity=0.2, porosity_power=1.0),
    "porosity: 50 %, in a straight line": lambda: with_tissue(_limbs(), porosity=0.5, porosity_power=1.0),
    "porosity: 20 %, with the fourth power": lambda: with_tissue(_limbs(), porosity=0.2, porosity_power=4.0),
    "porosity: 50 %, with the fourth power": lambda: with_tissue(_limbs(), porosity=0.5, porosity_power=4.0),
    "porosity: 50 %, wall 2 mm": lambda: with_tissue(with_wall(_limbs(), 2.0), porosity=0.5),
    "point spread with a halo (15 % of twice the width)": lambda: _limbs(
        replace(FINE, kernel="sharp", undershoot=-0.15)
    ),
    "sharp kernel, ring 1.5 times as wide": lambda: _limbs(replace(SHARP, ring_width=1.5)),
    "sharp kernel, ring 3 times as wide": lambda: _limbs(replace(SHARP, ring_width=3.0)),
    "box profile, 3.3 mm slices, every 3 mm": lambda: _limbs(replace(COARSE, profile="box")),
    "overlapping slices: 3 mm every 1 mm": lambda: _limbs(replace(COARSE, slice_thickness_mm=3.0, slice_step_mm=1.0)),
    "cancellous +600 HU, decay 3 mm": lambda: with_tissue(_limbs(), cancellous_hu=600.0, cancellous_decay_mm=3.0),
    "cancellous +300 HU, wall 1.5 mm": lambda: with_tissue(with_wall(_limbs(), 1.5), cancellous_hu=300.0),
    "wall 0.7 mm": lambda: with_wall(_limbs(), 0.7),
    "wall 1 mm, coarse grid": lambda: with_wall(_limbs(COARSE), 1.0),
    "cortex HU ± 10 %, wall 1.5 mm": lambda: with_tissue(with_wall(_limbs(), 1.5), **VARIES),
    "narrow ridge inside, 1.2 mm high": lambda: _bumps(_limbs(), inside=RIDGE_IN),
    "spur outside, 5 mm high": lambda: _bumps(_limbs(), outside=SPUR),
    "lytic hole, 10 mm": lambda: _shape(_limbs(), defects=(LyticDefect(45.0, 120.0, 5.0),)),
    "canal closed for 20 mm by 1100 HU": lambda: _shape(_limbs(), plugs=(Plug(60.0, 80.0),)),
    "canal closed for 20 mm by cortex": lambda: _shape(_limbs(), plugs=(Plug(60.0, 80.0, 1500.0),)),
    "canal closed for 20 mm by 500 HU": lambda: _shape(_limbs(), plugs=(Plug(60.0, 80.0, 500.0),)),
    "canal full of fluid (20 HU)": lambda: with_tissue(_limbs(), canal_hu=20.0),
    "metal pin of 4 mm in the canal": lambda: _shape(_limbs(), pin=Pin(4.0, 0.5, 0.3)),
}


def row(name: str, found: list[Trial]) -> str:
    """One line of the table."""
    got = [t.comparison for t in found if t.comparison is not None]
    if not got:
        return f"| {name} | refused: {found[0].refused} | | | | | |"
    inscribed = pooled(found, lambda c: c.diameter_error_mm["inscribed"])
    area = pooled(found, lambda c: c.diameter_error_mm["area"])
    wall = pooled(found, lambda c: c.wall_error_mm)
    astray = np.percentile(np.abs(wall), 99) if len(wall) else np.nan
    inner = np.concatenate([c.endosteal_error_mm.ravel() for c in got])
    se = np.concatenate([c.endosteal_se_mm.ravel() for c in got])
    unknown = np.mean([c.cannot_tell_share for c in got])
    made_up = np.nanmean([c.made_up_share for c in got]) if any(np.isfinite(c.made_up_share) for c in got) else np.nan
    refused = f" ({len(found) - len(got)} refused)" if len(got) < len(found) else ""
    told = [f"{e.mean():+.3f} ± {e.std():.3f}" if len(e) else "–" for e in (inscribed, area, wall)]
    last = "" if np.isnan(made_up) else f"{made_up:.0%}"
    told += [f"{astray:.2f}", f"{coverage_of(inner, se):.0%}", f"{unknown:.1%}", last]
    return f"| {name}{refused} | {' | '.join(told)} |"


HEAD = """| stress | inscribed diameter | area diameter | wall | 99 % of walls | in 95 % | cannot tell | made up |
|---|---|---|---|---|---|---|---|"""


def main() -> int:
    """Run the stresses that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only stresses whose name holds one of these; default: all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the table into docs/method/accuracy.md")
    args = parser.parse_args()
    print(HEAD)
    start, lines = time.perf_counter(), []
    for name, specs in STRESSES.items():
        if args.words and not any(w in name for w in args.words):
            continue
        lines.append(row(name, run_all(specs(), args.jobs)))
        print(lines[-1], flush=True)
    print(f"({time.perf_counter() - start:.0f} s)")
    if args.write:
        page = Path(__file__).resolve().parent.parent / "docs" / "method" / "accuracy.md"
        write_between(page, MARKS, "\n".join([HEAD, *lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
