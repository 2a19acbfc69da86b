"""Which checkpoint is next: follow a folder into which a training saves.

Its job: naming every checkpoint once, oldest first, and ending when nothing new comes. Evaluating them is not.
"""
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tf_extended.checkpoints import checkpoint_step

INDEX = ".index"
_DATA = re.compile(r"\.data-\d{5}-of-(\d{5})$")


def checkpoints_in(folder: Path) -> dict[str, int]:
    """The complete checkpoints in a folder, prefix → bytes of index and data, by rising step; none without a folder.

    A folder that is copied meanwhile may have the index before all data files are there.
    """
    sizes, complete = {}, {}
    for path in Path(folder).glob("*"):
        with contextlib.suppress(FileNotFoundError):  # a training removes old ones
            sizes[path.name] = path.stat().st_size
    for prefix in (name.removesuffix(INDEX) for name in sizes if name.endswith(INDEX)):
        parts = [found for name in sizes if name.startswith(prefix) and (found := _DATA.fullmatch(name, len(prefix)))]
        if checkpoint_step(prefix) >= 0 and parts and len(parts) == int(parts[0][1]):
            complete[str(Path(folder) / prefix)] = sizes[prefix + INDEX] + sum(sizes[part.string] for part in parts)
    return dict(sorted(complete.items(), key=lambda one: checkpoint_step(one[0])))


def new_checkpoints(
    folder: Path, done_steps: Iterable[int], *, interval_secs: float, idle_timeout_secs: float,
    clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Yield each checkpoint of the folder whose step is not in `done_steps`, oldest first, as they appear.

    One that has grown since, because it was still being copied, comes again. Looks every `interval_secs`; ends when
    `idle_timeout_secs` have passed without a new one. The time that the caller takes does not count as idle.
    """
    done, sizes = set(done_steps), {}
    quiet_since = clock()
    while True:
        fresh = next(((prefix, size) for prefix, size in checkpoints_in(folder).items()
                      if checkpoint_step(prefix) not in done and size != sizes.get(prefix)), None)
        if fresh is not None:
            prefix, size = fresh
            sizes[prefix] = size
            yield prefix
            quiet_since = clock()
        elif clock() - quiet_since >= idle_timeout_secs:
            return
        else:
            sleep(interval_secs)
