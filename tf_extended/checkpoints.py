"""Finding checkpoints, and starting a training from one that fits only in part.

Reading the formats of other programs is `tf_extended.weights`' job; saving is tf.train.Saver's. Nothing here fails
because the number of classes differs: what does not fit is left at its initial value and listed.
"""
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tf_extended.compat import PATTERN, slim, tf
from tf_extended.console import InputError, say
from tf_extended.files import check_utf8
from tf_extended.restore_plan import SHADOW, RestorePlan

# What TensorFlow raises for a checkpoint that is damaged; IndexError: a file cut short.
UNREADABLE = (tf.errors.OpError, ValueError, RuntimeError, IndexError)
# The file in which TensorFlow notes the checkpoints of a folder.
STATE = "checkpoint"
# The last bytes of the table that a checkpoint of TensorFlow's first format is, as the published vgg_16.ckpt.
_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
_PARTS = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")


def checkpoint_step(prefix: str) -> int:
    """The step in a checkpoint's name (`model.ckpt-1200` → 1200); -1 where the name has none."""
    found = re.search(r"-(\d+)$", prefix)
    return int(found.group(1)) if found else -1


def latest_checkpoint(folder: str | Path) -> str | None:
    """The prefix of the newest checkpoint in a folder, None where there is none.

    A folder that was moved or copied without its `checkpoint` file is understood too: the highest step wins.
    """
    folder = Path(folder)
    try:
        known = tf.train.latest_checkpoint(str(folder))
    except (tf.errors.OpError, ValueError):
        known = None
    if known and Path(known).parent.resolve() == folder.resolve():
        return known
    prefixes = [str(index)[:-len(".index")] for index in folder.glob("*.index")]
    return max(prefixes, key=checkpoint_step, default=None)


def latest_step(folder: str | Path) -> int:
    """The step of the newest checkpoint in a folder; -1 where there is none, or its name has none."""
    return checkpoint_step(latest_checkpoint(folder) or "")


def keep_newest(saver: tf.train.Saver) -> None:
    """Remove what exceeds the saver's number, lower than that of an earlier run: it removes one for each it saves."""
    kept, most = saver.last_checkpoints, saver.saver_def.max_to_keep
    for prefix in kept[:-most]:
        tf.train.remove_checkpoint(prefix)
    saver.recover_last_checkpoints(kept[-most:])


def resumed_seed(seed: int | None, folder: str | Path) -> int | None:
    """The seed for what a run in `folder` draws: one that resumes shall not draw the same pictures once more."""
    return seed if seed is None else seed + max(latest_step(folder), 0)


def is_first_format(path: str | Path) -> bool:
    """Whether a file is a checkpoint of TensorFlow's first format, or one of the files of such a checkpoint."""
    with Path(path).open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(-min(file.tell(), len(_TABLE_MAGIC)), os.SEEK_END)
        return file.read() == _TABLE_MAGIC


def find_checkpoint(path: str | Path, any_file: bool = False) -> str:
    """The checkpoint that a person means: a folder, a prefix, or any of the checkpoint's files.

    Returns a prefix for tf.train.Saver, or with `any_file` the path itself for a file of another kind. Raises
    InputError where there is nothing, or nothing that will do.
    """
    path = check_path(path)
    whole = Path(path).is_file() and not Path(f"{path}.index").exists()
    if whole and Path(path).name == STATE:
        path = str(Path(path).parent)
    if Path(path).is_dir():
        found = latest_checkpoint(path)
        if found is None:
            raise InputError(f"no checkpoint in the folder {path}: expected files named *.index and *.data-*")
        return found
    prefix = _PARTS.sub("", path)
    if whole and prefix == path and not any_file and not is_first_format(path):
        raise InputError(f"{path} is no TensorFlow checkpoint, or is damaged: give the folder of a training, or a "
                         "prefix like model.ckpt-1000. Other weights need a training that starts from them first")
    if tf.train.checkpoint_exists(prefix):
        return prefix
    near = sorted(p.name for p in Path(path).parent.glob("*.index"))[-3:] if Path(path).parent.is_dir() else []
    hint = f"; that folder has {', '.join(near)}" if near else ""
    files = "its .index file, or a file of weights (.ckpt, .h5, .caffemodel)" if any_file else "or its .index file"
    raise InputError(f"no checkpoint at {path}: give a folder, a prefix like model.ckpt-1000, {files}{hint}")


def check_resume(prefix: str, variables: Sequence[tf.Variable]) -> None:
    """Raise InputError, naming the flags to look at, unless a checkpoint and a training have the same variables.

    What the checkpoint has for others than the net's variables and their slots does not count.
    """
    stored = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    here, net = {v.op.name for v in variables}, {v.op.name: v.shape.as_list() for v in slim.get_model_variables()}
    other = [name for name, shape in net.items() if list(stored.get(name, [0])) != shape]
    flags = "--model_name, --depth_multiplier, --batch_norm, --anchors or --num_classes"
    if not other:
        dropped = [name for name in sorted(set(stored) - here) if name.rpartition("/")[0] in net]
        other = sorted(here - set(stored)) or dropped
        flags = "--optimizer or --trainable_scopes"
    if other and other[0].endswith(SHADOW):
        flags = "--moving_average_decay" if other[0] in stored else "flags, which were without --moving_average_decay,"
    if other:
        raise InputError(
            f"{prefix} cannot be resumed with these flags: it and this training do not both have {other[0]}, or not in "
            f"one shape. Give the {flags} that it was trained with (run.json beside it says which), or start from it "
            f"with another --train_dir and --checkpoint_path={prefix}")


def check_path(path: str | Path) -> str:
    """The path as text. Raises InputError for one that TensorFlow would take for a pattern, or cannot take."""
    path = str(path)
    check_utf8(path)
    if PATTERN.intersection(path) or (os.sep == "/" and "\\" in path):
        raise InputError(f"{path}: TensorFlow takes * ? [ and \\ in the path of a checkpoint for a pattern; rename the "
                         "folder")
    return path


def _in_scopes(name: str, scopes: Sequence[str]) -> bool:
    return any(name == scope or name.startswith(scope.rstrip("/") + "/") for scope in scopes)


def plan_restore(variables: Sequence[tf.Variable], source: str, stored: dict[str, np.ndarray], *, net_scope: str,
                 model_scope: str | None = None, exclude_scopes: Sequence[str] = (),
                 ignore_missing_vars: bool = False, nets: Iterable[str] = ()) -> RestorePlan:
    """Hold the variables of a graph against the `stored` values of a checkpoint.

    `stored`: values by name, from `read_checkpoint` or `tf_extended.weights`. `model_scope` is the scope that the
    checkpoint uses where the graph says `net_scope` (flag checkpoint_model_scope), `/` for none at all; variables under
    `exclude_scopes` are left alone. `nets`: names of all nets, for the message. Raises InputError where nothing at all
    fits, where most shapes are others, as in nets of another width, where variables are missing and
    `ignore_missing_vars` is not set, a scope holds no variable, or values are not finite.
    """
    plan, wanted, reshaped = RestorePlan(source), set(), []
    scope_there = model_scope.rstrip("/") if model_scope else net_scope
    for scope in exclude_scopes:
        _under([variable.op.name for variable in variables], scope, "--checkpoint_exclude_scopes")
    if model_scope and scope_there:
        _under(stored, scope_there, "--checkpoint_model_scope")
    for variable in variables:
        name = variable.op.name
        stored_name = name.replace(net_scope, scope_there, 1).lstrip("/")
        wanted.add(stored_name)
        if _in_scopes(name, exclude_scopes):
            plan.skipped.append((name, "excluded by --checkpoint_exclude_scopes"))
        elif stored_name not in stored:
            plan.missing.append(name)
        elif list(stored[stored_name].shape) != variable.shape.as_list():
            reshaped.append((name, f"is {variable.shape.as_list()} here, {list(stored[stored_name].shape)} there"))
        else:
            plan.values[name] = stored[stored_name]
    plan.skipped += reshaped
    # Names without a scope are the optimiser's counters.
    plan.unused = sorted(name for name in stored if name not in wanted and "/" in name)
    if len(reshaped) > len(plan.values):
        raise InputError(
            f"{source} is not of a net like this: {len(reshaped)} of the {len(reshaped) + len(plan.values)} variables "
            f"that both have differ in shape, {' '.join(reshaped[0])} the first; give the --depth_multiplier (1 as "
            "published) and the --model_name of those weights")
    plan.check([variable.op.name for variable in variables], stored, net_scope, ignore_missing_vars, nets)
    return plan


def _under(names: Iterable[str], scope: str, flag: str) -> list[str]:
    """Those of the names that are under a scope. Raises InputError, listing what scopes there are, for none."""
    found = [name for name in names if _in_scopes(name, [scope])]
    if not found:
        tops = sorted({"/".join(name.split("/")[:2]) for name in names if "/" in name})
        raise InputError(f"{flag}: no variable under {scope!r}; the scopes are {', '.join(tops)}")
    return found


def read_checkpoint(prefix: str) -> dict[str, np.ndarray]:
    """All values of a TensorFlow checkpoint by name, optimiser slots and global step left out."""
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = reader.get_variable_to_shape_map()
        if any(name.endswith(SHADOW) for name in names):
            say(f"NOTE: {prefix} holds moving averages of the weights as well, which are not used")
        slots = {name for name in names if "/" in name and name.rsplit("/", 1)[0] in names}
        return {name: reader.get_tensor(name) for name in names if name not in slots and name != "global_step"}
    except UNREADABLE as error:
        raise InputError(f"{prefix} cannot be read as a checkpoint ({error}); is the file complete?") from None


def variables_to_train(scopes: str | None) -> list[tf.Variable]:
    """The trainable variables under the comma-separated `scopes` (flag trainable_scopes), all of them without it.

    Raises InputError for a scope that holds none.
    """
    if not scopes:
        return tf.trainable_variables()
    by_name = {variable.op.name: variable for variable in tf.trainable_variables()}
    chosen = dict.fromkeys(name for scope in split_scopes(scopes)
                           for name in _under(by_name, scope, "--trainable_scopes"))
    return [by_name[name] for name in chosen]


def split_scopes(scopes: str | None) -> list[str]:
    """The scopes in a flag that separates them by commas. Raises InputError where it has commas alone."""
    found = [part.strip() for part in (scopes or "").split(",") if part.strip()]
    if scopes and not found:
        raise InputError(f"{scopes!r} names no scope; expected scopes of variables, separated by commas")
    return found
