"""``canalfit doctor``: does this installation work, and what is missing."""

from __future__ import annotations

import argparse
import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from canalfit import __version__, exit_codes

LIBRARIES = ("numpy", "scipy", "scikit-image", "trimesh", "pydicom", "pyvista", "matplotlib", "Jinja2", "rich")
ROOMS = ("sizing", "dicom_io", "viewer", "canalfit")


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the sub-command."""
    return subparsers.add_parser("doctor", help="check this installation: versions, kernels, drawing")


def run(args: argparse.Namespace) -> int:
    """Print what was found; exit code 10 if something does not work."""
    report = {
        "canalfit": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "kernels": _kernels(),
        "foreign_packages": _foreign_packages(),
        "offscreen_opengl": _offscreen_opengl(),
    }
    ill = _complaints(report)
    if args.json:
        args.console.json(report | {"complaints": ill})
    else:
        _print(args.console, report, ill)
    return exit_codes.FINDINGS if ill else exit_codes.OK


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _kernels() -> dict[str, bool]:
    import sizing

    folder = Path(next(iter(sizing.__path__)))
    names = sorted(p.name.split(".")[0] for p in folder.glob("_*.so")) or sorted(
        p.name.split(".")[0] for p in folder.glob("_*.pyd")
    )
    return {name: _imports(f"sizing.{name}") for name in names if not name.startswith("__")}


def _imports(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def _foreign_packages() -> list[str]:
    """Rooms whose files are not this distribution's: their short names are easily overwritten."""
    try:
        ours = Path(str(distribution("canalfit").locate_file(""))).resolve()
    except PackageNotFoundError:
        return []
    here = Path(__file__).resolve().parents[2]
    foreign = []
    for room in ROOMS:
        places = {Path(p).resolve().parent for p in import_module(room).__path__}
        if not places <= {ours, here}:
            foreign.append(room)
    return foreign


def _offscreen_opengl() -> str:
    """Return "works", or why pictures of the 3-D scene cannot be made."""
    import subprocess
    import sys

    probe = "import pyvista; p = pyvista.Plotter(off_screen=True); p.add_mesh(pyvista.Cube()); p.screenshot()"
    try:
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "timed out"
    if done.returncode == 0:
        return "works"
    return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]


def _complaints(report: dict) -> list[str]:
    ill = [f"{name} is not installed" for name, found in report["libraries"].items() if found is None]
    ill += [f"kernel {name} cannot be imported: build it again" for name, ok in report["kernels"].items() if not ok]
    if not report["kernels"]:
        ill.append("the compiled kernels are missing: install with pip, or run setup.py build_ext --inplace")
    ill += [
        f"the package {room} is not canalfit's: use an environment of its own" for room in report["foreign_packages"]
    ]
    if report["offscreen_opengl"] != "works":
        ill.append(f"no OpenGL for scene.png ({report['offscreen_opengl']}); every number works without it")
    return ill


def _print(console, report: dict, ill: list[str]) -> None:
    lines = [f"canalfit {report['canalfit']}, Python {report['python']}, {report['platform']}"]
    lines += [f"  {name} {found or 'missing'}" for name, found in report["libraries"].items()]
    lines.append("  kernels " + (", ".join(report["kernels"]) or "none"))
    lines.append(f"  off-screen OpenGL: {report['offscreen_opengl']}")
    console.data("\n".join(lines))
    for text in ill:
        console.say(f"  look: {text}")
    if not ill:
        console.say("All is well.")
