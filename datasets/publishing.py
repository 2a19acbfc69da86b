"""Make a split's files appear under their final names only when all of them are complete.

1. Everything is written into a hidden folder beside the final names, so on the same disk.
2. Complete and on the disk, an older split of that name is taken away, its description first, and the new files are
   renamed, the description last. Where it may not be replaced, it is looked for before and after the writing: another
   process may have made it meanwhile. A set without description is refused, or, where the description is optional,
   refused as long as the hidden folder is there (`is_unfinished`).
3. However it ends, short of being killed, the hidden folder goes. A killed run's folder is removed by the next run.

Not its job: what the files hold.
"""
import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from datasets.split_files import description_name, find_shards
from tf_extended.console import InputError
from tf_extended.files import lock

_LOCK = "lock"


def report_names(name: str) -> tuple[str, str]:
    """File names of a split's report: text and JSON."""
    return f"{name}.report.txt", f"{name}.report.json"


def split_paths(folder: Path, name: str) -> list[Path]:
    """The files of a split that are there, in the order in which they may be removed: the description first."""
    if not folder.is_dir():
        return []
    fixed = [folder / file for file in (description_name(name), *report_names(name))]
    return [path for path in fixed if path.exists()] + find_shards(folder, name, gaps=True)


def refuse_existing(folder: Path, name: str) -> None:
    """InputError where a set of that name is there; the report of a stopped run is none."""
    existing = [path for path in split_paths(folder, name) if path.name not in report_names(name)]
    if existing:
        raise InputError(f"{existing[0]}: it exists already; choose another --output_name or --output_dir, or replace "
                         "the set with --overwrite.")


def is_unfinished(folder: Path, name: str) -> bool:
    """Whether a conversion of that name into that folder was begun and has not ended."""
    return bool(_hidden_folders(folder, name))


def _hidden_folders(folder: Path, name: str) -> list[Path]:
    prefix = f".{name}.partial-"
    return [path for path in folder.iterdir() if path.name.startswith(prefix)]


@contextlib.contextmanager
def _locked(hidden: Path) -> Iterator[bool]:
    """Hold a hidden folder; yields False where another process does. Network file systems lock files, not folders."""
    file = os.open(hidden / _LOCK, os.O_CREAT | os.O_RDWR)
    try:
        yield lock(file)
    finally:
        os.close(file)


def _remove_left_over(folder: Path, name: str) -> None:
    for hidden in _hidden_folders(folder, name):
        with _locked(hidden) as ours:
            if not ours:
                raise InputError(f"{folder}: another process is converting {name} into it; wait for it to end.")
            shutil.rmtree(hidden)


def sync_file(path: Path) -> None:
    """Wait until a file's contents, or a folder's entries, are on the disk, where the file system knows how to."""
    if os.name == "nt":  # which opens no folder, and flushes nothing that is open for reading
        return
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # shared folders of virtual machines cannot
            raise
    finally:
        os.close(file)


@contextlib.contextmanager
def publish(folder: Path, name: str, overwrite: bool = False) -> Iterator[Path]:
    """Yield a hidden folder to write the split's files into; on leaving they replace what has their names.

    If the block raises, the hidden folder is removed and what was there before stays. So it is where this raises
    InputError: another process is converting that name; without `overwrite`, a set is there, also one that appeared
    during the block.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_left_over(folder, name)
    if not overwrite:
        refuse_existing(folder, name)
    hidden = Path(tempfile.mkdtemp(prefix=f".{name}.partial-", dir=folder))
    with _locked(hidden):
        try:
            yield hidden
            written = sorted(path for path in hidden.iterdir() if path.name not in (_LOCK, description_name(name)))
            for path in (*written, hidden / description_name(name)):
                sync_file(path)
            if not overwrite:
                refuse_existing(folder, name)
            for path in split_paths(folder, name):
                path.unlink()
            for path in (*written, hidden / description_name(name)):
                path.rename(folder / path.name)
            sync_file(folder)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
