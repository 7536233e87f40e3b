"""Keeps unsaved changes over a crash: one small file, written after each change, whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sizing.errors import CanalfitError
from viewer.app.session import Session


class Journal:
    """The last state of a session in a file; ``path`` None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def keep(self, session: Session) -> None:
        """Write the present state."""
        if self.path is None:
            return
        s = session.state
        if s.plan is session.plan and s.as_found:  # back where it began: nothing to restore
            self.clear()
            return
        note: dict[str, Any] = {
            "plan_sha256": session.parent_plan_sha256,
            "part_number": s.fit.implant.part_number,
            "wall_limit_mm": s.wall_limit_mm,
            "resect_at_mm": s.plan.settings.resect_at_mm,
            "searched": s.plan.settings.wall_limit_mm != session.plan.settings.wall_limit_mm,
            "move": asdict(s.move),
        }
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(note, indent=1), encoding="utf-8")
        os.replace(part, self.path)

    def restore(self, session: Session) -> str:
        """Bring a session to the kept state; returns what to say, empty if there was nothing."""
        if self.path is None or not self.path.is_file():
            return ""
        try:
            note = json.loads(self.path.read_text(encoding="utf-8"))
            if note["plan_sha256"] != session.parent_plan_sha256:
                return ""
            self._replay(note, session)
        except (CanalfitError, ValueError, KeyError, TypeError, OSError) as error:
            return f"Unsaved changes of an earlier session could not be restored: {error}"
        return "Unsaved changes of an earlier session were restored; undo takes them back."

    def clear(self) -> None:
        """Forget: the changes were saved."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    @staticmethod
    def _replay(note: dict[str, Any], session: Session) -> None:
        if note["resect_at_mm"] is not None and note["resect_at_mm"] != session.plan.settings.resect_at_mm:
            session.move_cut(note["resect_at_mm"])
        session.set_wall_limit(note["wall_limit_mm"])
        if note["searched"]:
            session.search()
        session.choose(note["part_number"])
        for name, value in note["move"].items():
            session.set_move(name, value)
