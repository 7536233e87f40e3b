"""The desktop window on a real X server, which the test brings itself: it opens, its keys work, Q closes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parent / "drive_window.py"
SCREEN = "1280x800x24"


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server without a screen, on a number of its own choice."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed (Debian: xvfb): there is no X server to open a window on")
    process = subprocess.Popen([server, "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    assert process.stdout is not None
    number = process.stdout.readline().strip()
    if not number:
        pytest.skip(f"Xvfb did not start (exit {process.wait()})")
    yield f":{number}"
    process.terminate()
    process.wait()


def environment(display: str) -> dict[str, str]:
    """Return the environment of a desk with this display, and nothing that says "draw off screen"."""
    off = ("WAYLAND_DISPLAY", "VTK_DEFAULT_OPENGL_WINDOW", "PYVISTA_OFF_SCREEN")
    return {k: v for k, v in os.environ.items() if k not in off} | {"DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"}


@pytest.fixture(scope="module")
def driven(display: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    picture = tmp_path_factory.mktemp("window") / "window.png"
    done = subprocess.run([sys.executable, str(SCRIPT), str(picture)], env=environment(display), capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return {**json.loads(done.stdout.splitlines()[-1]), "picture": picture}


def test_it_is_a_window_of_the_x_server_and_shows_the_bone(driven: dict[str, Any]) -> None:
    from PIL import Image

    assert driven["window"] == "vtkXOpenGLRenderWindow"
    image = np.asarray(Image.open(driven["picture"]).convert("RGB")).astype(int)
    assert image.shape == (720, 1000, 3)
    bone = (np.abs(image - (207, 194, 166)).max(axis=2) < 12).mean()
    stem = ((image[..., 2] > image[..., 0] + 40) & (image[..., 2] > 150)).mean()
    assert bone > 0.02 and stem > 0.02  # of 720 000 pixels


def test_keys_change_what_is_seen_and_q_ends_it(driven: dict[str, Any]) -> None:
    start, bone, colour, gap, lateral, front = driven["seen"]  # before any key, and after each but the last
    assert (start["bone"], start["colour"], start["stem"]) == ("half", "wall", "plain")
    assert bone["bone"] == "glass" and colour["colour"] == "thickness" and gap["stem"] == "gap"
    assert lateral["camera"] != gap["camera"] and front["camera"] == start["camera"]
    pictures = [s["sum"] for s in driven["seen"]]
    assert all(a != b for a, b in pairwise(pictures))


def test_from_the_command_line_too(display: str, tmp_path: Path) -> None:
    """``canalfit view --window`` with a display that is not there: one sentence and exit code 2."""
    from example_case import make_plan

    from sizing.record import plan_record

    (tmp_path / "plan.json").write_text(plan_record(make_plan())[1], encoding="utf-8")
    command = [sys.executable, "-m", "canalfit", "view", str(tmp_path / "plan.json"), "--window"]
    gone = subprocess.run(command, env=environment(":987"), capture_output=True, text=True, timeout=120, check=False)
    assert gone.returncode == 2 and "display" in gone.stderr and "Traceback" not in gone.stderr
