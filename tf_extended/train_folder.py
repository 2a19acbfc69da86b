"""The folder of a training: in order again after whatever ended the last run, and what is said where writing fails.

A checkpoint appears in steps: `.data-*` and `.index`, each written under another name (`*.tempstate*`) and renamed,
then the state file `checkpoint` (`*.tmp*`), which alone says where TensorFlow resumes. A kill, a full disk or a power
cut may fall between any two of them. Not this module's job: saving (`training`), and finding checkpoints for other
programs (`checkpoints`).
"""
import contextlib
import errno
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

from tf_extended.checkpoints import STATE, UNREADABLE, check_path, checkpoint_step, latest_checkpoint
from tf_extended.compat import tf
from tf_extended.console import InputError, RunError, complain, say
from tf_extended.files import lock, write_text

_TEMPORARY = re.compile(r"\.tempstate\d+$|\.tmp[0-9a-f]{32}$")
_PART = re.compile(r"(model\.ckpt-\d+)\.(meta|data-\d{5}-of-\d{5})$")
_INDEX = ".index"
# Where the training keeps its best checkpoint, in its folder.
BEST_FOLDER = "best"
_locks: dict[Path, int] = {}
# As much as the files beside the checkpoints take, generously.
PROBE_BYTES = 200_000


def make_train_dir(train_dir: str | None) -> Path:
    """Create the folder or put it in order, hold it until this process ends, and see that it can be written.

    Raises InputError where another training runs in it or it cannot be written, RunError where the disk is full or its
    checkpoints are all damaged.
    """
    if not train_dir:
        raise InputError("--train_dir is missing: the folder for checkpoints and logs")
    folder = Path(check_path(train_dir))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hold(folder)
        put_in_order(folder)
        probe = folder / ".writable"
        try:
            probe.write_bytes(bytes(PROBE_BYTES))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise write_error(error, folder, "before the first step") from None
        raise InputError(f"--train_dir={train_dir} cannot be written ({error.strerror}); choose another") from None
    return folder


def hold(folder: Path) -> None:
    """Keep every other process from training in the folder, until this one ends. Raises InputError where one does."""
    folder = folder.resolve()
    if folder in _locks or os.name == "nt":  # Windows opens no folder
        return
    _locks[folder] = os.open(folder, os.O_RDONLY)
    if not lock(_locks[folder]):
        os.close(_locks.pop(folder))
        raise InputError(f"--train_dir={folder}: another training is running in it; wait for its end, stop it, or "
                         "choose another folder")


def put_in_order(folder: Path) -> None:
    """Make the folder, which must be held, such that TensorFlow resumes from its newest whole checkpoint.

    Removes what an unfinished save left, the half line at the end of metrics.jsonl, and mends the state file. Raises
    RunError where there are checkpoints and none can be read.
    """
    _remove_leftovers(folder)
    _cut_half_line(folder / "metrics.jsonl")
    _settle_state(folder)


def _remove_leftovers(folder: Path) -> None:
    """Files under temporary names, and parts of checkpoints that have no index, so that nothing can read them."""
    left = [path for path in folder.iterdir() if path.is_file() and _TEMPORARY.search(path.name)]
    for path in folder.iterdir():
        part = _PART.match(path.name)
        if part and not (folder / f"{part[1]}{_INDEX}").exists() and not _of_first_format(folder / part[1]):
            left.append(path)
    if left:
        say(f"removing what an unfinished save left: {', '.join(sorted(path.name for path in left))} "
            f"({sum(path.stat().st_size for path in left) / 1e6:.1f} MB)")
    for path in left:
        path.unlink()


def _of_first_format(prefix: Path) -> bool:
    """Whether there is a checkpoint without an index: TensorFlow 0.x wrote one file, or several with their number."""
    return prefix.is_file() or any(prefix.parent.glob(f"{prefix.name}-?????-of-?????"))


def _cut_half_line(path: Path) -> None:
    """Without it the next line would be appended to the half one, and both would be unreadable."""
    if not path.is_file():
        return
    with path.open("r+b") as log:
        written = log.read()
        if not written.endswith(b"\n"):
            log.truncate(written.rfind(b"\n") + 1)


def _settle_state(folder: Path) -> None:
    """Let the state file name the newest whole checkpoint, if it does not."""
    named, listed = _read_state(folder)
    present = {path.name.removesuffix(_INDEX) for path in folder.glob(f"*{_INDEX}")}
    candidates = _candidates(named, listed, present)
    name = next((name for name in candidates if _is_whole(folder / name)), None)
    if name is not None and name != named:
        complain(f"WARNING: {folder / STATE} names {named or 'no checkpoint of this folder'}, but the newest whole "
                 f"one is {name}: resuming from {folder / name}")
        others = [other for other in listed or sorted(present, key=checkpoint_step) if other in present - {name}]
        lines = [f'all_model_checkpoint_paths: "{other}"\n' for other in (*others, name)]
        write_text(folder / STATE, f'model_checkpoint_path: "{name}"\n' + "".join(lines))
    elif candidates and name is None:
        raise RunError(f"none of the checkpoints in {folder} can be read; put one back from a copy, or start again in "
                       "another --train_dir")
    elif name is None and named and tf.train.checkpoint_exists(str(folder / named)):
        raise InputError(f"{folder / named} is a checkpoint of TensorFlow's first format, which is not resumed; start "
                         f"from it with another --train_dir and --checkpoint_path={folder / named}")
    elif name is None and (folder / STATE).exists():
        complain(f"WARNING: {folder / STATE} names no checkpoint of this folder, which has none: starting anew")
        (folder / STATE).unlink()


def _read_state(folder: Path) -> tuple[str | None, list[str]]:
    """The checkpoint that the state file names, and all that it lists: names in this folder; None and [] without."""
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except (ValueError, tf.errors.OpError):  # empty, or not text
        state = None
    if state is None:
        return None, []
    home = folder.resolve()
    named, *listed = (Path(path).name if Path(path).parent.resolve() == home else None
                      for path in (state.model_checkpoint_path, *state.all_model_checkpoint_paths))
    return named, [name for name in listed if name]


def _candidates(named: str | None, listed: list[str], present: set[str]) -> list[str]:
    """Names of checkpoints in the order in which to try them.

    One that is newer than the named one and not listed was saved by a run that died before it could say so: first.
    One that is newer and listed was passed over by whoever wrote the state file: after the named one.
    """
    newest_first = sorted(present, key=checkpoint_step, reverse=True)
    if named not in present:
        return newest_first
    unsaid = [name for name in newest_first if checkpoint_step(name) > checkpoint_step(named) and name not in listed]
    return [*unsaid, named, *(name for name in newest_first if name not in unsaid and name != named)]


def _is_whole(prefix: Path) -> bool:
    """Whether a checkpoint can be read to its end, checksums included; tells of one that cannot."""
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except UNREADABLE as error:
        complain(f"WARNING: checkpoint {prefix} is damaged and not used: {cause(error)}")
        return False
    return True


def cause(error: Exception) -> str:
    """The line of TensorFlow's many that says what happened."""
    lines = [line.strip() for line in getattr(error, "message", str(error)).strip().splitlines() if line.strip()]
    after_node = [after for line, after in itertools.pairwise(lines) if line.startswith("Node: ")]
    found = after_node[0] if after_node else lines[0] if lines else type(error).__name__
    return found[:300]


@contextlib.contextmanager
def errors_told(folder: Path) -> Iterator[None]:
    """While TensorFlow writes into `folder`: an OSError for a file that may not grow as large.

    TensorFlow calls that out of range, which slim takes for the end of the input.
    """
    try:
        yield
    except tf.errors.OutOfRangeError as error:
        raise too_large(folder) from error


def too_large(path: str | Path) -> OSError:
    """The error of a file that may not grow as large, at `path`."""
    return OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))


def write_error(error: Exception, folder: Path, when: str) -> RunError:
    """What to tell of an OSError or tf.errors.OpError that ended a training: one line, which says what to do."""
    text, go_on = cause(error), "run the same command to go on."
    if not folder.is_dir():
        return RunError(f"{folder} was removed {when}, so the training stopped. Put a copy of it back, then {go_on}")
    kept = f"The checkpoints in {folder} are good. " if latest_checkpoint(folder) else ""
    if any(words in text for words in ("No space left", "quota exceeded", "File too large")):
        return RunError(f"the disk of {folder} is full ({when}: {text}). {kept}Make room, then {go_on}")
    if isinstance(error, OSError) or any(words in text for words in ("Read-only file", "Permission denied")):
        return RunError(f"{folder} cannot be written ({when}: {text}). Make it writable, then {go_on}")
    return RunError(f"the training in {folder} stopped {when}: {text}\n{kept}Mend the cause, then {go_on}")
