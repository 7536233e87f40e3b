"""A process of its own for one piece of drawing: it imports what it needs at once, then waits for its job on stdin."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

# A child that was told to end and does not is ended by force after this long.
_GRACE_SECONDS = 5.0
# Steps of priority that a child stands back behind the planning.
_BEHIND = 10


class Child:
    """One child process; it draws one job, and never outlives the one who made it.

    Parameters
    ----------
    module : str
        What it runs, as ``python -m``. Once its imports are done it reads its job from stdin, pickled, in one part or
        more; an end of input without a job, as when the parent dies, ends it.
    environment : dict
        Variables set besides this process's own.

    Raises
    ------
    OSError
        No process can be made.
    """

    def __init__(self, module: str, environment: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=_with_our_path() | (environment or {}),
        )  # fmt: skip

    def send(self, part: Any, *, last: bool = True) -> None:
        """Hand over the job, or a part of it; a child that has died is noticed by ``worked``."""
        stdin = self._process.stdin
        if stdin is None:
            return
        try:
            pickle.dump(part, stdin, protocol=pickle.HIGHEST_PROTOCOL)
            if last:
                stdin.close()
            else:
                stdin.flush()
        except BrokenPipeError:
            self.stop()

    def worked(self, seconds: float) -> bool:
        """Wait for the end of the job, at most so long; return whether it went well."""
        try:
            return self._process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.stop()

    def stop(self) -> None:
        """End the child, whatever it is doing, and collect it; nothing happens if it has ended."""
        stdin, self._process.stdin = self._process.stdin, None
        if self._process.poll() is None:
            self._process.kill()
        try:
            if stdin is not None:
                stdin.close()
        except BrokenPipeError:
            pass  # what it did not read is lost with it
        self._process.wait(_GRACE_SECONDS)


def stay_behind() -> None:
    """Let the parent go first, in the child, while it gets ready; and spare it the search for garbage.

    A child lives for one job and gives its memory back by ending. Looking for circles among matplotlib's many small
    objects is a fifth of the time that pages take.
    """
    gc.disable()
    if hasattr(os, "nice"):
        os.nice(_BEHIND)


def job_from_parent() -> Any:
    """Return the next part of the job, in the child; ends the process quietly when none comes."""
    try:
        return pickle.load(sys.stdin.buffer)
    except EOFError:
        raise SystemExit(0) from None


def _with_our_path() -> dict[str, str]:
    """The environment in which a child finds this very package."""
    home = str(Path(__file__).resolve().parent.parent)
    return os.environ | {"PYTHONPATH": os.pathsep.join([home, os.environ.get("PYTHONPATH", "")])}
