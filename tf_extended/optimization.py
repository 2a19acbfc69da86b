"""Learning-rate policies and optimisers, each a table by its flag's name.

Not its job: computing gradients (`deployment`) or running steps (`training`). All take plain numbers, so that the
training script can hand over its flags and a test its own.
"""
import math
from collections.abc import Callable
from dataclasses import dataclass

from tf_extended.compat import tf
from tf_extended.console import InputError

WARMUP_FROM = 0.1
# Shares of the training's length: the Caffe SSD recipe's 80k and 100k of 120k steps.
STEP_DROPS = (2 / 3, 5 / 6)


@dataclass(frozen=True)
class Schedule:
    """How the learning rate moves over the steps of a training.

    decay_steps: steps between two drops of `exponential`, and the length of `polynomial`.
    total_steps: the length of the training: `cosine` ends there, `step` drops at STEP_DROPS of it.
    warmup_steps: the rate climbs linearly from WARMUP_FROM × to 1 × over these first steps.
    """

    policy: str
    learning_rate: float
    end_learning_rate: float = 0.0001
    decay_factor: float = 0.94
    decay_steps: int = 1000
    total_steps: int = 120_000
    warmup_steps: int = 0


def _exponential(schedule: Schedule, step: tf.Tensor) -> tf.Tensor:
    return tf.train.exponential_decay(
        schedule.learning_rate, step, schedule.decay_steps, schedule.decay_factor, staircase=True)


def _fixed(schedule: Schedule, _step: tf.Tensor) -> tf.Tensor:
    return tf.constant(schedule.learning_rate, tf.float32)


def _polynomial(schedule: Schedule, step: tf.Tensor) -> tf.Tensor:
    return tf.train.polynomial_decay(
        schedule.learning_rate, step, schedule.decay_steps, schedule.end_learning_rate, power=1.0, cycle=False)


def _cosine(schedule: Schedule, step: tf.Tensor) -> tf.Tensor:
    done = tf.minimum(tf.cast(step, tf.float32) / max(schedule.total_steps, 1), 1.0)
    swing = 0.5 * (1.0 + tf.cos(math.pi * done))
    return schedule.end_learning_rate + (schedule.learning_rate - schedule.end_learning_rate) * swing


def _step(schedule: Schedule, step: tf.Tensor) -> tf.Tensor:
    # The step from which on a rate holds, counted from 0; up to the boundary TensorFlow takes the one before.
    boundaries = [round(share * schedule.total_steps) - 1 for share in STEP_DROPS]
    rates = [schedule.learning_rate * 0.1 ** k for k in range(len(boundaries) + 1)]
    return tf.train.piecewise_constant(tf.cast(step, tf.int64), [tf.constant(b, tf.int64) for b in boundaries], rates)


POLICIES: dict[str, Callable[[Schedule, tf.Tensor], tf.Tensor]] = {
    "exponential": _exponential, "fixed": _fixed, "polynomial": _polynomial, "cosine": _cosine, "step": _step,
}


def learning_rate(schedule: Schedule, global_step: tf.Tensor) -> tf.Tensor:
    """The learning rate at `global_step`, a scalar float32 tensor.

    `exponential`, `fixed` and `polynomial` are the documented policies; `step` is the Caffe SSD recipe's (×0.1 at 80k
    and 100k of 120k steps, kept as shares of the training's length); `cosine` ends at `end_learning_rate`.
    """
    rate = POLICIES[schedule.policy](schedule, global_step)
    if not schedule.warmup_steps:
        return rate
    climbed = tf.minimum(tf.cast(global_step, tf.float32) / schedule.warmup_steps, 1.0)
    return rate * (WARMUP_FROM + (1.0 - WARMUP_FROM) * climbed)


@dataclass(frozen=True)
class OptimizerSettings:
    """The numbers of every optimiser, under the names and with the defaults of the documented flags."""

    adadelta_rho: float = 0.95
    adagrad_initial_accumulator_value: float = 0.1
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    opt_epsilon: float = 1.0
    ftrl_learning_rate_power: float = -0.5
    ftrl_initial_accumulator_value: float = 0.1
    ftrl_l1: float = 0.0
    ftrl_l2: float = 0.0
    momentum: float = 0.9
    rmsprop_momentum: float = 0.9
    rmsprop_decay: float = 0.9


# Of each optimiser, the class, and which of the settings its arguments are.
OPTIMIZERS: dict[str, tuple[type[tf.train.Optimizer], dict[str, str]]] = {
    "adadelta": (tf.train.AdadeltaOptimizer, {"rho": "adadelta_rho", "epsilon": "opt_epsilon"}),
    "adagrad": (tf.train.AdagradOptimizer, {"initial_accumulator_value": "adagrad_initial_accumulator_value"}),
    "adam": (tf.train.AdamOptimizer, {"beta1": "adam_beta1", "beta2": "adam_beta2", "epsilon": "opt_epsilon"}),
    "ftrl": (tf.train.FtrlOptimizer, {
        "learning_rate_power": "ftrl_learning_rate_power",
        "initial_accumulator_value": "ftrl_initial_accumulator_value",
        "l1_regularization_strength": "ftrl_l1", "l2_regularization_strength": "ftrl_l2"}),
    "momentum": (tf.train.MomentumOptimizer, {"momentum": "momentum"}),
    "rmsprop": (tf.train.RMSPropOptimizer, {
        "decay": "rmsprop_decay", "momentum": "rmsprop_momentum", "epsilon": "opt_epsilon"}),
    "sgd": (tf.train.GradientDescentOptimizer, {}),
}


def optimizer(name: str, rate: tf.Tensor, settings: OptimizerSettings) -> tf.train.Optimizer:
    """The optimiser of that name. Raises InputError, listing the names, for another one."""
    if name not in OPTIMIZERS:
        raise InputError(f"--optimizer={name}: expected one of {', '.join(sorted(OPTIMIZERS))}")
    make, arguments = OPTIMIZERS[name]
    return make(rate, **{argument: getattr(settings, setting) for argument, setting in arguments.items()})


def decay_steps(num_samples: int, batch_size: int, num_epochs_per_decay: float) -> int:
    """Steps in `num_epochs_per_decay` epochs, by the documented rule; at least 1, so that tiny sets decay too."""
    return max(int(num_samples / batch_size * num_epochs_per_decay), 1)


def scale_bias_gradients(gradients: list[tuple], factor: float) -> list[tuple]:
    """Multiply the gradients of all biases by `factor`: Caffe's doubled learning rate of biases, for SGD and momentum.

    Optimisers that normalise gradients (Adam, RMSProp, …) undo it: for them `factor` has little effect.
    """
    if factor == 1.0:
        return gradients
    return [(gradient * factor if gradient is not None and variable.op.name.endswith("/biases") else gradient, variable)
            for gradient, variable in gradients]
