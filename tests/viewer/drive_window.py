"""Opens the desktop window on the invented plan and plays keys into it, for ``test_window.py``; says what it saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

KEYS = "bcglaq"
STEP_MS = 150


def main(picture: Path) -> None:
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent.parent)]
    import example_case
    import numpy as np
    import pyvista as pv

    import viewer.window as window

    seen: list[dict[str, Any]] = []
    shown = pv.Plotter.show

    def show(plotter: Any, **options: Any) -> Any:
        def step(n: int) -> None:
            image = np.asarray(plotter.screenshot(return_img=True))
            if n == 0:
                plotter.screenshot(str(picture))
            own = plotter._canalfit_window.options
            camera = [round(v, 3) for v in plotter.camera.direction]
            seen.append({"bone": own.bone, "colour": own.colour, "stem": own.stem, "camera": camera,
                         "sum": int(image.sum())})  # fmt: skip
            interactor = plotter.iren.interactor
            interactor.SetKeyEventInformation(0, 0, KEYS[n], 0, KEYS[n])
            interactor.KeyPressEvent()

        plotter.add_timer_event(max_steps=len(KEYS), duration=STEP_MS, callback=step)
        return shown(plotter, **options)

    pv.Plotter.show = show
    kind: list[str] = []
    made = window.show

    def note(plan: Any, **options: Any) -> Any:
        plotter = made(plan, **options)
        kind.append(plotter.render_window.GetClassName())
        return plotter

    window.show = note
    window.open_window(example_case.make_plan())
    print(json.dumps({"window": kind[0], "seen": seen}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
