"""Speed and memory of the planner, on the femur sample, in a real headless Chromium.

Run: ``python benchmarks/bench_planner.py [changes]``. Prints each figure beside its goal. On a shared
machine times are noisy: medians are printed, and the load of the machine.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SCAN = ROOT / "sample_scans" / "femur"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STEPS = 12  # size steps that are timed
TURN_SECONDS = 4.0
MEBI = 2**20

# When a key is pressed: the time until the cross-section's drawing and the 3-D image are new in the page, and
# whether the number beside them was new at the same moment.
WATCH = """() => {
  window.bench = {pictures: 0};
  const at = name => { if (bench.start && !(name in bench)) bench[name] = performance.now() - bench.start; };
  new MutationObserver(() => {
    at('flat');
    if (!('same' in bench)) bench.same = document.getElementById('diameter').value !== bench.size;
  }).observe(document.querySelector('.section .hold'), {childList: true, subtree: true});
  new MutationObserver(() => { bench.pictures += 1; at('solid'); })
    .observe(document.querySelector('.stage .view'), {attributes: true, subtree: true, attributeFilter: ['src']});
}"""
PRESS = """key => {
  for (const k of ['flat', 'solid', 'same']) delete bench[k];
  bench.size = document.getElementById('diameter').value;
  bench.start = performance.now();
  document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
}"""


def main() -> int:
    """Measure and print."""
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan"
        command = [sys.executable, "-m", "canalfit", "plan", str(SCAN), "--bone", "femur", "--resect-at", "40"]
        subprocess.run([*command, "--out", str(plan)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        command = [sys.executable, "-m", "canalfit", "view", str(plan), "--scan", str(SCAN), "--no-browser"]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            measure(server.stdout.readline().strip(), psutil.Process(server.pid), changes)
        finally:
            server.terminate()
            server.wait()
    return 0


def measure(url: str, server: psutil.Process, changes: int) -> None:
    """Drive a served planner."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        start = time.perf_counter()
        page.goto(url)
        page.wait_for_selector("svg.pane[data-key=section]")
        say("page ready", time.perf_counter() - start, 2.0, "s")
        settle(page)
        page.evaluate(WATCH)
        times = [step(page, "+" if k % 4 < 2 else "-") for k in range(STEPS)]
        say("size to new 2-D picture, median", statistics.median(t["flat"] for t in times), 100.0, "ms")
        say("size to new 3-D picture, median", statistics.median(t["solid"] for t in times), 150.0, "ms")
        print(f"numbers in the same frame: {sum(t['same'] for t in times)} of {len(times)} steps")
        levels = [step(page, "ArrowUp", "flat") for _ in range(STEPS)]
        say("level to new 2-D picture, median", statistics.median(t["flat"] for t in levels), 100.0, "ms")
        say("turning", turning(page), 12.0, "frames/s", least=True)
        first = memory(server, page, 20)
        last = memory(server, page, changes)
        say(f"memory after {changes} changes", last, 600.0, "MB")
        say(f"growth over {changes} changes", last - first, 20.0, "MB")
        browser.close()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def settle(page: Any) -> None:
    """Wait until nothing is being measured and the picture stands still."""
    page.evaluate("window.trame.trigger('idle')")
    page.wait_for_selector(".planner[data-busy='0'][data-reaming='0']")
    page.wait_for_timeout(500)


def step(page: Any, key: str, until: str = "solid") -> dict[str, Any]:
    """Press a key and return what was timed."""
    page.evaluate(PRESS, key)
    page.wait_for_function(f"'{until}' in bench", timeout=60000)
    found = page.evaluate("({...bench})")
    settle(page)
    return found


def turning(page: Any) -> float:
    """Drag in the 3-D picture and return new pictures per second."""
    box = page.locator(".stage .view").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    before, start, k = page.evaluate("bench.pictures"), time.perf_counter(), 0
    while time.perf_counter() - start < TURN_SECONDS:
        k += 1
        page.mouse.move(x + 60 * ((k % 40) / 20 - 1), y)
        page.wait_for_timeout(15)
    count = page.evaluate("bench.pictures") - before
    page.mouse.up()
    settle(page)
    return count / TURN_SECONDS


def memory(server: psutil.Process, page: Any, changes: int) -> float:
    """Change the size and the place many times; return the server's memory in MB."""
    keys = ("+", "+", "-", "-", ">", "<", "Shift+ArrowUp", "Shift+ArrowDown")
    for k in range(changes):
        page.keyboard.press(keys[k % len(keys)])
        if k % 10 == 9:
            page.evaluate("window.trame.trigger('idle')")
    settle(page)
    return server.memory_info().rss / MEBI


def say(what: str, value: float, goal: float, unit: str, *, least: bool = False) -> None:
    """Print one line: value, goal, ratio."""
    good = value >= goal if least else value <= goal
    word = "at least" if least else "at most"
    print(f"{what}: {value:.3g} {unit} (goal {word} {goal:g}; ratio {value / goal:.2f}){'' if good else '  MISSED'}",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
