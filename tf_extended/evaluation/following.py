"""Which checkpoint is next: follow a folder into which a training saves.

Its job: naming every checkpoint once, oldest first, and ending when nothing new comes. Evaluating them is not.
"""
import contextlib
import glob
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tf_extended.checkpoints import checkpoint_step

INDEX = ".index"
_DATA = re.compile(r"\.data-\d{5}-of-(\d{5})$")


def checkpoints_in(folder: Path) -> list[str]:
    """The prefixes of the complete checkpoints in a folder, by rising step; none where there is no folder."""
    names = {path.name for path in Path(folder).glob("*")}
    prefixes = [name.removesuffix(INDEX) for name in names if name.endswith(INDEX)]
    complete = [prefix for prefix in prefixes if checkpoint_step(prefix) >= 0 and _has_its_data(prefix, names)]
    return [str(Path(folder) / prefix) for prefix in sorted(complete, key=checkpoint_step)]


def _has_its_data(prefix: str, names: Iterable[str]) -> bool:
    """Whether all data files are there: a folder that is copied meanwhile may have the index before them."""
    parts = [found for name in names if name.startswith(prefix) and (found := _DATA.fullmatch(name, len(prefix)))]
    return bool(parts) and len(parts) == int(parts[0][1])


def _size(prefix: str) -> int:
    """The bytes of a checkpoint's index and data, as far as they are still there."""
    folder, name = Path(prefix).parent, Path(prefix).name
    size = 0
    for path in folder.glob(f"{glob.escape(name)}.*"):
        if path.suffix == INDEX or _DATA.fullmatch(path.name, len(name)):
            with contextlib.suppress(FileNotFoundError):
                size += path.stat().st_size
    return size


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
        sizes_now = {prefix: _size(prefix) for prefix in checkpoints_in(folder) if checkpoint_step(prefix) not in done}
        fresh = next((prefix for prefix, size in sizes_now.items() if size != sizes.get(prefix)), None)
        if fresh is not None:
            sizes[fresh] = sizes_now[fresh]
            yield fresh
            quiet_since = clock()
        elif clock() - quiet_since >= idle_timeout_secs:
            return
        else:
            sleep(interval_secs)
