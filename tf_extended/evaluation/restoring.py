"""Variables of an evaluation from a checkpoint: all of them, or a message that says which do not fit.

Its job: the strict restore that an evaluation needs (a net that is restored in part scores near 0 and looks like bad
weights). Starting a training from a checkpoint that fits in part is `tf_extended.checkpoints`' job.
"""
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_extended.checkpoints import UNREADABLE, checkpoint_step
from tf_extended.compat import tf
from tf_extended.console import InputError, RunError, first_line, say
from tf_extended.restore_plan import SHADOW, first_not_finite


class CheckpointGoneError(RunError):
    """The checkpoint vanished or is not complete: a training removed it, or is still writing it."""


def names_in_checkpoint(
    variables: Sequence[tf.Variable], moving_average_decay: float | None, stored: Mapping[str, Sequence[int]]
) -> dict[str, tf.Variable]:
    """Checkpoint name → variable. With a decay, the moving average of every variable that has one.

    stored: name → shape in the checkpoint. Raises InputError where averages are asked for and the checkpoint has none.
    """
    if moving_average_decay is None:
        return {variable.op.name: variable for variable in variables}
    averages = {v.op.name: v.op.name + SHADOW for v in variables if v.op.name + SHADOW in stored}
    if not averages:
        raise InputError(
            f"--moving_average_decay={moving_average_decay}: the checkpoint holds no moving averages; it was trained "
            "without that flag. Leave the flag out."
        )
    return {averages.get(variable.op.name, variable.op.name): variable for variable in variables}


def check_fit(checkpoint: str, wanted: Mapping[str, tf.Variable], stored: Mapping[str, Sequence[int]],
              types: Mapping[str, tf.DType]) -> None:
    """Raise InputError, with what to check, unless the checkpoint has every variable in its shape and type."""
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
    cast = [name for name, variable in wanted.items() if types[name] != variable.dtype.base_dtype]
    if cast:
        raise InputError(
            f"{checkpoint} has {len(cast)} variables of another type, the first is {cast[0]}: {types[cast[0]].name} "
            f"there, {wanted[cast[0]].dtype.base_dtype.name} here. Make a checkpoint of it by a training of one step "
            f"with --checkpoint_path={checkpoint} --learning_rate=0 --max_number_of_steps=1.")


def find_variables(
    checkpoint: str, variables: Sequence[tf.Variable], moving_average_decay: float | None
) -> dict[str, tf.Variable]:
    """Checkpoint name → variable, for a tf.train.Saver. Raises what the functions that it calls raise."""
    stored, types = stored_variables(checkpoint)
    if moving_average_decay is None and any(name.endswith(SHADOW) for name in stored):
        _note_averages(str(Path(checkpoint).parent))
    wanted = names_in_checkpoint(variables, moving_average_decay, stored)
    check_fit(checkpoint, wanted, stored, types)
    return wanted


@functools.cache
def _note_averages(folder: str) -> None:
    """Once for all checkpoints of a training."""
    say(f"NOTE: the checkpoints in {folder} hold moving averages of the weights as well, which are not used; "
        "--moving_average_decay, with the training's value, takes them instead")


def stored_variables(checkpoint: str) -> tuple[dict[str, list[int]], dict[str, tf.DType]]:
    """Name → shape, name → type of everything in a checkpoint. Raises CheckpointGoneError where it cannot be read."""
    try:
        reader = tf.train.load_checkpoint(checkpoint)
        return reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    except UNREADABLE as error:
        raise _gone(checkpoint, "cannot be read", first_line(error)) from error


def stored_step(checkpoint: str) -> int:
    """The global step that a checkpoint holds; what its name says where it holds none."""
    try:
        reader = tf.train.load_checkpoint(checkpoint)
        if reader.has_tensor("global_step"):
            return int(reader.get_tensor("global_step"))
    except UNREADABLE as error:
        raise _gone(checkpoint, "cannot be read", first_line(error)) from error
    return checkpoint_step(checkpoint)


def restore(session: tf.Session, saver: tf.train.Saver, checkpoint: str) -> None:
    """Restore. Raises CheckpointGoneError where the files are no longer there or not complete, InputError where
    values are not finite: such a net finds nothing, and scores as a bad one.
    """
    try:
        saver.restore(session, checkpoint)
    except UNREADABLE as error:
        # All variables are in its index; TensorFlow's own text speaks of the graph.
        raise _gone(checkpoint, "cannot be restored", "its data file is missing, cut or damaged") from error
    variables = session.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    ruined = first_not_finite(session.run({variable.op.name: variable for variable in variables}))
    if ruined:
        raise InputError(f"{checkpoint} is ruined: its values for {ruined} are not finite numbers; give an earlier "
                         "checkpoint")


def _gone(checkpoint: str, what: str, why: str) -> CheckpointGoneError:
    if not any(Path(path).exists() for path in (checkpoint, f"{checkpoint}.index")):
        return CheckpointGoneError(f"{checkpoint} is not there any more: a training keeps its newest (--max_to_keep).")
    return CheckpointGoneError(f"{checkpoint} {what}: {why}. Is that a whole TensorFlow checkpoint? "
                               "Other weights need a training that starts from them first.")
