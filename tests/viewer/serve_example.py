"""Serves the planner on the invented bone, for ``test_planner_*.py``: folder, family; says its address."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent.parent)]
    import example_case

    from sizing.implants import load_catalogue
    from sizing.record import plan_record
    from viewer.app.journal import Journal
    from viewer.app.planner import Services
    from viewer.app.server import run
    from viewer.app.session import Session

    folder = Path(sys.argv[1])
    plan = example_case.make_plan(family=sys.argv[2])
    volume = example_case.make_volume(plan.canal)
    session = Session(plan, load_catalogue(), example_case.cut_again, parent_plan_sha256="ef" * 32)

    def save(changed: object) -> Path:
        target = folder / "saved.json"
        target.write_text(plan_record(changed)[1], encoding="utf-8")
        return target

    services = Services(save, Journal(folder / "journal.json"))
    run(session, volume, services, ready=lambda url: print(url, flush=True))


if __name__ == "__main__":
    main()
