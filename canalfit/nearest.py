"""Beside a plan: for an implant of the user's own that jams, the nearest shape that goes in, as files."""

from __future__ import annotations

from pathlib import Path

from canalfit.folder import MOST_SHAVED
from canalfit.tables import rows_csv
from sizing.findings import Finding, Level
from sizing.fit import nearest_insertable
from sizing.implants.shape_table import contour_rows
from sizing.implants.solid import StemSolid, solid_mesh, write_mesh
from sizing.planning import ImplantationPlan

# The first bytes of a binary STL are free text.
_STL_HEADER = 80
# Every second degree: a shaved edge is told to a third of a millimetre.
_ANGLE_STEP_DEG = 2.0


def write_nearest_insertable(plan: ImplantationPlan, folder: Path) -> tuple[Finding, ...]:
    """Write ``nearest_insertable_N.csv`` and ``.stl`` for each own implant that does not go in; tell which is which."""
    findings: list[Finding] = []
    for fit in plan.fits:
        if fit.implant.family_id != "own" or not fit.rejected or len(findings) == MOST_SHAVED:
            continue
        shape = nearest_insertable(plan.canal, plan.reamers, fit)
        if shape is None:
            continue
        name, own = f"nearest_insertable_{len(findings) + 1}", fit.implant.part_number
        said = f"canalfit: nearest shape that goes in, mm; NOT the design of {own}"
        rows = [{**row, "what": said} for row in contour_rows(shape, _ANGLE_STEP_DEG)]
        (folder / f"{name}.csv").write_text(rows_csv(rows), encoding="utf-8")
        path = folder / f"{name}.stl"
        write_mesh(solid_mesh(StemSolid(shape)), path)
        _name_inside(path, said)
        findings.append(Finding(
            Level.WARNING, "CF-I057", f"{own} does not go in; the nearest shape that does is {name}.csv and {name}.stl",
            f"It is not the design of {own}, only what of it passes: give it to whoever designed it",
        ))  # fmt: skip
    return tuple(findings)


def _name_inside(path: Path, said: str) -> None:
    content = path.read_bytes()
    header = said.encode("ascii", "replace")[:_STL_HEADER].ljust(_STL_HEADER)
    path.write_bytes(header + content[_STL_HEADER:])
