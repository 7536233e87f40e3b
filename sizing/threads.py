"""Coarse work on several cores, inside kernels that leave Python alone. No answer depends on how many there are.

One thread is the default: a worker of a cohort has one core. Who plans a single case says ``with on_cores(cores()):``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Threads start with the default of their own: what is spread does not spread again.
_threads: ContextVar[int] = ContextVar("threads", default=1)
# Pieces per thread: rows differ in work, and who is done first takes the next.
_PIECES_EACH = 4


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Let ``spread`` and ``in_pieces`` use this many threads within the block."""
    before = _threads.set(max(1, count))
    try:
        yield
    finally:
        _threads.reset(before)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return ``work`` of every item, in the order of the items; the first error is raised."""
    count = min(_threads.get(), len(items))
    if count < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))


def in_pieces(rows: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(first, end)`` so that all rows are covered once; a piece writes only what belongs to its rows."""
    count = _threads.get()
    pieces = 1 if count < 2 else min(rows, count * _PIECES_EACH)
    edges = [rows * k // max(pieces, 1) for k in range(pieces + 1)]
    spread(lambda k: work(edges[k], edges[k + 1]), range(pieces))
