"""Where jobs run: processes of this machine, or a cluster through dask.distributed. Both are executors."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from canalfit.cohort.answer import Answer, Job, Limits
from canalfit.cohort.guard import end_all, guarded
from sizing.errors import UsageError

# So many jobs wait beside those that run: enough that no worker is idle, few enough to stay flat in memory.
_WAITING = 2
_DASK_SECONDS = 15.0


@dataclass(frozen=True)
class Engine:
    """An executor and how many jobs it runs at a time."""

    executor: Executor
    width: int


@contextmanager
def engine(workers: int, scheduler: str | None = None) -> Iterator[Engine]:
    """Give an engine; its processes are ended on leaving."""
    if scheduler is None:
        pool = ThreadPoolExecutor(workers)
        try:
            yield Engine(pool, workers)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            pool.shutdown(wait=True)
        return
    with _client(scheduler) as client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UsageError(f"the scheduler at {scheduler} has no workers; start some with: dask worker {scheduler}")
        yield Engine(client.get_executor(pure=False, retries=1), threads)


@contextmanager
def _client(scheduler: str):  # type: ignore[no-untyped-def]
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler needs dask.distributed: pip install 'canalfit[cluster]'") from None
    try:
        client = Client(scheduler, timeout=_DASK_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(f"there is no dask scheduler at {scheduler} ({type(error).__name__})") from None
    try:
        yield client
    finally:
        client.close()


def work(
    here: Engine, jobs: deque[Job], function: Callable[[Job], Answer], limits: Limits
) -> Iterator[tuple[Job, Answer]]:
    """Run jobs as workers become free; yields each answer with its job as it comes.

    ``jobs`` may grow while answers are dealt with.
    """
    running: dict[Future[Answer], Job] = {}
    while jobs or running:
        while jobs and len(running) < here.width + _WAITING:
            job = jobs.popleft()
            running[here.executor.submit(guarded, function, job, limits)] = job
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future.result()
