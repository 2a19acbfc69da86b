"""Run a function over many items in several processes, in order.

Worker processes come from a fork server: it imports TensorFlow once, before any session and thread exists, and the
workers are forked from it, so they share its memory and start at once. Forking this process itself would be unsafe, as
TensorFlow may be running here. With one worker everything runs in this process.

Not its job: what the function does. It must be importable by name, and its items and results picklable.
"""
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from tempfile import gettempdir
from typing import TypeVar

from tf_extended.console import RunError

Item, Result = TypeVar("Item"), TypeVar("Result")

# What every worker needs and takes seconds to import.
_PRELOADED = ["__main__", "datasets.samples"]
_LARGEST_CHUNK = 16
# The server's socket lies in the temporary folder, and its whole path may have a hundred bytes.
_LONGEST_TEMPORARY = 60


def usable_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end when it dies, however that happens: a worker waiting for work would stay."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _fork_server_works() -> bool:
    return ("forkserver" in multiprocessing.get_all_start_methods()
            and len(os.fsencode(gettempdir())) <= _LONGEST_TEMPORARY)


class Workers:
    """A context manager around the processes; `map` may be called several times within it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        if self._count > 1:
            method = "forkserver" if _fork_server_works() else "spawn"
            context = multiprocessing.get_context(method)
            context.set_forkserver_preload(_PRELOADED)
            self._executor = ProcessPoolExecutor(self._count, context, _begin_worker)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._executor:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield function(item) for every item, in their order; exceptions pass through."""
        if self._executor is None:
            yield from map(function, items)
            return
        chunk = max(1, min(_LARGEST_CHUNK, len(items) // (4 * self._count)))
        try:
            yield from self._executor.map(function, items, chunksize=chunk)
        except BrokenProcessPool:
            raise RunError("a worker process was killed, perhaps because memory ran out.\n"
                           "Run again with fewer processes: --num_workers=1.") from None
