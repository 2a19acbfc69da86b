"""Variables of an evaluation from a checkpoint: all of them, or a message that says which do not fit.

Its job: the strict restore that an evaluation needs (a net that is restored in part scores near 0 and looks like bad
weights). Starting a training from a checkpoint that fits in part is `tf_extended.checkpoints`' job.
"""
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_extended.checkpoints import checkpoint_step
from tf_extended.compat import tf
from tf_extended.console import InputError, RunError, first_line, say

SHADOW = "/ExponentialMovingAverage"


class CheckpointGoneError(RunError):
    """The checkpoint vanished or is not complete: a training removed it, or is still writing it."""


def names_in_checkpoint(
    variables: Sequence[tf.Variable], moving_average_decay: float | None, stored: Mapping[str, Sequence[int]]
) -> dict[str, tf.Variable]:
    """Checkpoint name → variable. With a decay, the moving average of every variable that has one.

    stored: name → shape in the checkpoint. Raises InputError where averages are asked for and the checkpoint has none.
    """
    if not moving_average_decay:
        return {variable.op.name: variable for variable in variables}
    averages = {v.op.name: v.op.name + SHADOW for v in variables if v.op.name + SHADOW in stored}
    if not averages:
        raise InputError(
            f"--moving_average_decay={moving_average_decay}: the checkpoint holds no moving averages; it was trained "
            "without that flag. Leave the flag out."
        )
    return {averages.get(variable.op.name, variable.op.name): variable for variable in variables}


def check_fit(checkpoint: str, wanted: Mapping[str, tf.Variable], stored: Mapping[str, Sequence[int]]) -> None:
    """Raise InputError, with what to check, unless the checkpoint has every variable in its shape."""
    missing = [name for name in wanted if name not in stored]
    other = [name for name, variable in wanted.items()
             if name in stored and list(stored[name]) != variable.shape.as_list()]
    hint = ("Check --model_name, --depth_multiplier, --batch_norm and the number of classes (--num_classes; where "
            "detecting, --labels) against the training.")
    if missing:
        raise InputError(f"{checkpoint} lacks {len(missing)} of the net's {len(wanted)} variables, the first is "
                         f"{missing[0]}. {hint}")
    if other:
        name = other[0]
        raise InputError(f"{checkpoint} has {len(other)} variables of another shape, the first is {name}: "
                         f"{list(stored[name])} there, {wanted[name].shape.as_list()} here. {hint}")


def find_variables(
    checkpoint: str, variables: Sequence[tf.Variable], moving_average_decay: float | None
) -> dict[str, tf.Variable]:
    """Checkpoint name → variable, for a tf.train.Saver. Raises what the functions that it calls raise."""
    stored = stored_shapes(checkpoint)
    if not moving_average_decay and any(name.endswith(SHADOW) for name in stored):
        _note_averages(str(Path(checkpoint).parent))
    wanted = names_in_checkpoint(variables, moving_average_decay, stored)
    check_fit(checkpoint, wanted, stored)
    return wanted


@functools.cache
def _note_averages(folder: str) -> None:
    """Once for all checkpoints of a training."""
    say(f"NOTE: the checkpoints in {folder} hold moving averages of the weights as well, which are not used; "
        "--moving_average_decay, with the training's value, takes them instead")


def stored_shapes(checkpoint: str) -> dict[str, list[int]]:
    """Name → shape of everything in a checkpoint. Raises CheckpointGoneError where it cannot be read."""
    try:
        return tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map()
    except (tf.errors.OpError, ValueError) as error:
        raise _gone(checkpoint, "cannot be read", first_line(error)) from error


def stored_step(checkpoint: str) -> int:
    """The global step that a checkpoint holds; what its name says where it holds none."""
    try:
        reader = tf.train.load_checkpoint(checkpoint)
        if reader.has_tensor("global_step"):
            return int(reader.get_tensor("global_step"))
    except (tf.errors.OpError, ValueError) as error:
        raise _gone(checkpoint, "cannot be read", first_line(error)) from error
    return checkpoint_step(checkpoint)


def restore(session: tf.Session, saver: tf.train.Saver, checkpoint: str) -> None:
    """Restore. Raises CheckpointGoneError where the files are no longer there or not complete."""
    try:
        saver.restore(session, checkpoint)
    except (tf.errors.OpError, ValueError) as error:
        # All variables are in its index; TensorFlow's own text speaks of the graph.
        raise _gone(checkpoint, "cannot be restored", "its data file is missing, cut or damaged") from error


def _gone(checkpoint: str, what: str, why: str) -> CheckpointGoneError:
    return CheckpointGoneError(f"{checkpoint} {what}: {why}. Is that a whole TensorFlow checkpoint? "
                               "Other weights need a training that starts from them first.")
