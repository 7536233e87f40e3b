"""The import arrows of docs/architecture.md: a lower room never imports an upper one."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lower number = lower floor. A module may import rooms of a strictly lower floor, and its own room.
FLOOR = {
    "sizing.errors": 0,
    "sizing.findings": 0,
    "sizing.spelling": 0,
    "sizing.anatomy": 0,
    "sizing.intended_use": 0,
    "sizing.strict": 0,
    "sizing.threads": 0,
    "sizing.intervals": 0,
    "sizing.geometry": 1,
    "sizing.volume": 2,
    "sizing.phantom": 3,
    "sizing.segmentation": 3,
    "sizing.canal": 4,
    "sizing.reaming": 5,
    "sizing.implants": 5,
    "sizing.fit": 6,
    "sizing.planning": 7,
    "sizing.custom_axes": 8,
    "sizing.customise": 9,
    "sizing.record": 8,
    "sizing.selfcheck": 8,
    "sizing.specification": 10,
    "dicom_io": 11,
    "viewer": 11,
    "canalfit": 12,
}
ALLOWED_SIDEWAYS = {("sizing.implants", "sizing.reaming")}  # an implant names the tools that prepare it
FORBIDDEN_THIRD_PARTY = {
    "sizing": {"pydicom", "pyvista", "vtk", "matplotlib"},
    "dicom_io": {"pyvista", "vtk"},
    "viewer": {"pydicom"},
}


def room_of(module: str) -> str | None:
    parts = module.split(".")
    for n in (2, 1):
        name = ".".join(parts[:n])
        if name in FLOOR:
            return name
    return None


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


MODULES = [p for top in ("sizing", "dicom_io", "viewer", "canalfit") for p in sorted((ROOT / top).rglob("*.py"))]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_arrow_runs_back_up(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    here = room_of(module)
    top = module.split(".")[0]
    if here is None:
        assert module == "sizing", f"{module} lives in no room of docs/architecture.md"
        return
    for name in imports_of(path):
        assert name.split(".")[0] not in FORBIDDEN_THIRD_PARTY.get(top, set()), f"{module} imports {name}"
        there = room_of(name)
        if name.split(".")[-1].startswith("_") or there is None or there == here:
            continue  # kernels are leaves
        ok = FLOOR[there] < FLOOR[here] or (here, there) in ALLOWED_SIDEWAYS
        assert ok, f"{module} (floor {FLOOR[here]}) imports {name} (floor {FLOOR[there]})"


def test_the_page_and_the_test_know_the_same_rooms() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = page.split("```")[3]
    missing = [room for room in FLOOR if room not in picture and f" .{room.removeprefix('sizing.')}" not in picture]
    assert not missing, f"docs/architecture.md does not draw {missing}"


def _edges() -> dict[str, set[str]]:
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in MODULES}
    edges: dict[str, set[str]] = {}
    for module, path in names.items():
        edges[module] = {n for n in _imported_anywhere(path) if n in names and n != module}
    return edges


def _imported_anywhere(path: Path) -> set[str]:
    """Modules imported at any place, in functions too; ``from package import module`` counts as that module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_no_circle_among_modules() -> None:
    edges, done = _edges(), set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, "circle of imports: " + " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for other in sorted(edges[module]):
                walk(other, (*way, module))
            done.add(module)

    for module in sorted(edges):
        walk(module, ())
