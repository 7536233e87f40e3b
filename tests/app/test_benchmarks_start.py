"""The scripts of benchmarks/ take too long for the tests; that their imports are there is seen without running them."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize("script", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.name)
def test_what_a_script_imports_at_its_top_is_there(script: Path) -> None:
    names = set()
    for node in ast.parse(script.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    absent = [n for n in sorted(names) if not (BENCHMARKS / f"{n}.py").exists() and find_spec(n) is None]
    assert not absent, f"{script.name} imports {', '.join(absent)}"
