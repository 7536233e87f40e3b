"""The repository as a whole: what ships, what the pages link to, and that the samples are what they say."""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("sizing", "dicom_io", "viewer", "canalfit")
PAGES = sorted(p for p in ROOT.rglob("*.md") if not {".venv", "build", "plan"} & set(p.relative_to(ROOT).parts))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [a or b for a, b in LINK.findall(text)]
    dead = [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]
    assert not dead


def test_every_page_of_docs_is_linked_from_an_index() -> None:
    for folder in ("method", "decisions"):
        index = (ROOT / "docs" / folder / "README.md").read_text(encoding="utf-8")
        missing = [
            p.name for p in (ROOT / "docs" / folder).glob("*.md") if p.name not in index and p.name != "README.md"
        ]
        assert not missing, f"docs/{folder}/README.md does not list {missing}"


def test_sample_scans_are_what_their_hashes_say(sample_scans: Path) -> None:
    lines = (sample_scans / "SHA256SUMS").read_text().split("\n")
    sums = {name.strip().removeprefix("./"): sha for sha, name in (line.split(None, 1) for line in lines if line)}
    scans = {str(p.relative_to(sample_scans)) for p in sample_scans.rglob("*.dcm")}
    assert scans <= set(sums)
    for name in scans:
        assert hashlib.sha256((sample_scans / name).read_bytes()).hexdigest() == sums[name], name


@pytest.mark.kernel
def test_the_build_under_test_is_the_one_that_is_meant() -> None:
    import sizing
    from sizing import _core

    folder = ROOT / "build" / "checked" if "CANALFIT_CHECKED_BUILD" in os.environ else ROOT
    assert Path(sizing.__file__).parent == Path(_core.__file__).parent == folder / "sizing"


def test_pyproject_lists_every_package() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {".".join(p.parent.relative_to(ROOT).parts) for top in TOPS for p in (ROOT / top).rglob("__init__.py")}
    assert listed == there


def test_the_wheel_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    # The Python side of a wheel; compiling every kernel once more would take a minute and add only the .so files.
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    inside = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert {name.split("/")[0] for name in inside} == set(TOPS)
    assert not [
        name for name in inside if name.endswith((".c", ".cpp", ".h", ".pyx", ".pxd", ".dcm", ".so")) or "test" in name
    ]
    sources = [p for top in TOPS for p in (ROOT / top).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    built_here = {".c", ".cpp", ".h", ".pyx", ".pxd", ".so", ".pyd", ".md"}
    expected = {str(p.relative_to(ROOT)) for p in sources if p.suffix not in built_here}
    assert inside == expected


def test_test_files_have_names_of_their_own() -> None:
    names = [p.name for p in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names)), "pytest cannot tell two files of one name apart"
