"""``plan.show()`` in a real Jupyter kernel: the two lines of docs/notebooks.md, run as a notebook."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import viewer.render as render

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: no notebook can be written")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: no notebook can be run")
pytest.importorskip("ipykernel", reason="ipykernel is not installed: there is no kernel to run a notebook in")
ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 120  # for a cell; a loaded machine is slow, not wrong


def lines_of_the_page() -> str:
    """Return the code that docs/notebooks.md tells people to write, without the line that makes a plan."""
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(plotter = .*?)```", page, re.DOTALL)
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    works, sentence = render.opengl_works()
    if not works:
        pytest.skip(f"no OpenGL here: {sentence}")
    folder = tmp_path_factory.mktemp("notebook")
    paths = [str(Path(__file__).parent), str(ROOT)]
    make = f"import sys\nsys.path[:0] = {paths!r}\nimport example_case\nplan = example_case.make_plan()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in (make, lines_of_the_page())])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DISPLAY", raising=False)  # a server has none
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        client = nbclient.NotebookClient(notebook, timeout=TIMEOUT_S, kernel_name="python3",
                                         resources={"metadata": {"path": str(folder)}})  # fmt: skip
        client.execute()
    return [notebook.cells, folder]


def test_the_notebook_shows_the_scene(cells: list[Any]) -> None:
    shown = [o for o in cells[0][1].outputs if o.output_type == "display_data"]
    assert len(shown) == 1 and "image/png" in shown[0].data
    image = _pixels(base64.b64decode(shown[0].data["image/png"]))
    assert image.shape == (720, 1000, 3)
    bone = (np.abs(image.astype(int) - (207, 194, 166)).max(axis=2) < 12).mean()
    assert bone > 0.02  # the cut bone's colour


def test_the_picture_can_be_kept(cells: list[Any]) -> None:
    kept = _pixels((cells[1] / "plan.png").read_bytes())
    shown = next(o for o in cells[0][1].outputs if o.output_type == "display_data")
    assert np.array_equal(kept, _pixels(base64.b64decode(shown.data["image/png"])))


def _pixels(png: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))
