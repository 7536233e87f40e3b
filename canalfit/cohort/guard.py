"""Runs a job in a process of its own, so that a crash, a hang or too much memory costs one case."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import canalfit.cohort.worker as worker
from canalfit.cohort.answer import CRASHED, INTERNAL, OUT_OF_MEMORY, TIMED_OUT, WHOLE_SCAN, Answer, Job, Limits
from canalfit.cohort.last_words import LastWords

# A process that has planned so many cases is replaced: what allocators and caches keep cannot grow for ever.
CASES_PER_PROCESS = 100
ATTEMPTS = 2  # once more: a neighbour may have taken the memory, or a disk may have been slow

_mine = threading.local()
_all: set[GuardedWorker] = set()
_closing = threading.Event()


class GuardedWorker:
    """One worker process; answers one job at a time and is started again when it was lost."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._words: LastWords | None = None
        self._answered = 0

    def run(self, function: Callable[[Job], Answer], job: Job, limits: Limits) -> Answer | tuple[str, str]:
        """Return the answer, or code and sentence of what happened to the process."""
        try:
            process = self._started()
        except EOFError:
            return CRASHED, f"{CRASHED}: the process for this case could not be started."
        assert process.stdin is not None and process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limits.seconds, stop)
        timer.start()
        try:
            worker.send(process.stdin, (function, job, limits))
            answer = worker.receive(process.stdout)
        except (OSError, EOFError):
            code, words = process.wait(), self._words
            self.close()
            if late.is_set():
                return TIMED_OUT, f"{TIMED_OUT}: the case took longer than the limit of {limits.seconds:g} s."
            if words is not None and words.tell_of_memory():
                return _no_memory(limits)
            return CRASHED, f"{CRASHED}: the process that planned this case died ({_how(code)})."
        finally:
            timer.cancel()
        if answer is None:
            self.close()  # what is left of the memory is of no use
            return _no_memory(limits)
        self._answered += 1
        if self._answered >= CASES_PER_PROCESS:
            self.close()
        return (INTERNAL, answer) if isinstance(answer, str) else answer

    def close(self) -> None:
        """End the process."""
        process, self._process, self._answered = self._process, None, 0
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            threads = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "OMP")}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "canalfit.cohort.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **threads, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
            _all.add(self)
            assert self._process.stdout is not None and self._process.stderr is not None
            self._words = LastWords(self._process.stderr)
            worker.receive(self._process.stdout)  # it says when it is ready
        return self._process


def _no_memory(limits: Limits) -> tuple[str, str]:
    return OUT_OF_MEMORY, (
        f"{OUT_OF_MEMORY}: the case needs more memory than the limit of {limits.memory_mb:g} MB. "
        "Give it more with --memory."
    )


def _how(code: int) -> str:
    import signal

    if code >= 0:
        return f"exit code {code}"
    if code == -signal.SIGKILL:
        return "SIGKILL: by the system where it has no memory left, or by a person"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def guarded(function: Callable[[Job], Answer], job: Job, limits: Limits) -> Answer:
    """Run a job in the process that belongs to this thread; a lost one is tried once more."""
    from canalfit.cohort.task import refusal, stand_in

    if not hasattr(_mine, "worker"):
        _mine.worker = GuardedWorker()
    lost = ("", "")
    for attempt in range(1, ATTEMPTS + 1):
        answer = _mine.worker.run(function, job, limits)
        if isinstance(answer, Answer):
            return replace(answer, attempts=attempt)
        lost = answer
        if lost[0] == INTERNAL or _closing.is_set():
            break
    case = stand_in(job.unit)
    return replace(refusal(case, "", lost, WHOLE_SCAN, 70), attempts=attempt)


def end_all() -> None:
    """End every worker process of this process."""
    _closing.set()
    while _all:
        _all.pop().close()
    _closing.clear()
