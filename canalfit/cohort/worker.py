"""The process that plans one scan after the other: jobs come in through stdin, answers go out through stdout.

A message is its length in eight bytes and a pickle. The process has no other channel, so that it runs the same on
this machine and beside a worker of a cluster, and whatever happens to it happens to one scan only.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import IO, Any

LENGTH = struct.Struct("<Q")
READY = "ready"
# A process whose master is gone ends itself this long after the case's own limit.
_ORPHAN_SECONDS = 30.0


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message; raises EOFError where the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer ``(function, job, limits)`` until the other side closes."""
    while True:
        try:
            function, job, limits = receive(requests)
        except EOFError:
            return
        start = time.perf_counter()
        _forget_peak()
        try:
            _limit(limits)
            answer = replace(function(job), seconds=time.perf_counter() - start, memory_mb=_peak_mb())
        except MemoryError:
            answer = None
        except Exception as error:  # a mistake of ours costs this scan, not the run
            from canalfit.cohort.sentences import internal_sentence

            answer = internal_sentence(error)
        send(answers, answer)


def _limit(limits: Any) -> None:
    try:
        import resource
        import signal
    except ImportError:  # only POSIX systems can
        return
    most = int(limits.memory_mb * 2**20)
    if _status_kb("VmData") * 1024 >= most:  # the process alone is larger: libraries would end it without a word
        raise MemoryError
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + _ORPHAN_SECONDS)


def _forget_peak() -> None:
    with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak_mb() -> float:
    if peak_kb := _status_kb("VmHWM"):
        return peak_kb / 1024
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    except ImportError:
        return float("nan")


def _status_kb(name: str) -> float:
    """Return what Linux counts of this process; 0 where there is no such count."""
    with suppress(OSError), open("/proc/self/status") as file:
        for line in file:
            if line.startswith(f"{name}:"):
                return float(line.split()[1])
    return 0.0


def _warm_blas() -> None:
    """Let the linear algebra take its buffers before memory is limited: without them it waits in a loop for ever."""
    import numpy as np
    from scipy.linalg import solveh_banded

    some = np.eye(64)
    solveh_banded(np.ones((1, 64)), some @ some[0])


def main() -> None:
    """Serve on this process's own pipes; whatever a library prints goes nowhere."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the master, which then ends its workers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    import canalfit.cohort.task  # noqa: F401  (a second or two, which is not the first case's)

    _warm_blas()
    send(answers, READY)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
