"""The loop around slim.learning.train: what each step reports, when it saves, how it ends.

Not its job: the graph (the training script builds it) and what the losses are. It adds to slim's loop:
1. a loss or gradient that is not finite stops the run before the variables change, and variables that are not finite
   stop it before they are saved, so no checkpoint is ever poisoned;
2. SIGTERM and Ctrl-C end the loop after the step in hand: slim then saves, and the run counts as done;
3. checkpoints are saved between steps, not beside them, so each holds the state of one step; summaries are taken from a
   step's own run, not from an extra one, so that they cost no batch and a seed gives the same run with and without;
4. progress on the terminal, and in `metrics.jsonl` beside the checkpoints;
5. a folder that can no longer be written ends the run with a message, and the next run goes on (`train_folder`).
"""
import contextlib
import errno
import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_extended import checkpoints, train_folder
from tf_extended.compat import slim, tf
from tf_extended.console import RunError, duration, say, stop_signals
from tf_extended.event_file import RegularSummaries
from tf_extended.sessions import shared_callables, without_graph_text

NOT_FINITE = "the loss or a gradient is not finite"
# What TensorFlow says where a summary of such values stops the step first: Infinity (or Nan) in (summary) histogram.
NOT_DRAWN = "istogram for: "


def guarded_train_op(loss: tf.Tensor, gradients: list, optimizer: tf.train.Optimizer, global_step: tf.Variable,
                     clip_norm: float = 0.0, update_ops: Sequence[tf.Operation] = (),
                     moving_average_decay: float | None = None) -> tf.Tensor:
    """Apply the gradients if loss and gradients are finite; evaluates to the loss.

    `clip_norm` > 0 bounds the norm of all gradients together. `update_ops` (batch norm's statistics) run in every step;
    with `moving_average_decay` the average of all model variables follows the update. Raises
    tf.errors.InvalidArgumentError, whose message has NOT_FINITE, when run on a loss or gradient that is NaN or
    infinite: then no trainable variable changes.
    """
    values, variables = zip(*((gradient, variable) for gradient, variable in gradients if gradient is not None),
                            strict=True)
    norm = tf.global_norm(values)
    finite = tf.Assert(tf.is_finite(loss) & tf.is_finite(norm), [NOT_FINITE])
    with tf.control_dependencies([finite]):
        if clip_norm > 0:
            values, _ = tf.clip_by_global_norm(values, clip_norm, use_norm=norm)
        guarded = zip(map(tf.identity, values), variables, strict=True)
        update = optimizer.apply_gradients(guarded, global_step=global_step, name="apply_gradients")
    if moving_average_decay is not None:
        average = tf.train.ExponentialMovingAverage(moving_average_decay, global_step)
        with tf.control_dependencies([update, *update_ops]):
            update = average.apply(slim.get_model_variables())
    with tf.control_dependencies([update, *update_ops]):
        return tf.identity(loss, name="train_op")


class TrainLoop:
    """The `train_step_fn` of slim.learning.train: runs a step, reports, saves, says when to stop.

    Args:
      train_dir: folder of the checkpoints; must exist.
      metrics: scalar tensors by name, reported as means over the steps since the last report.
      batch_size: pictures a step takes over all clones, for the rate.
      max_steps: the global step to end at.
      log_every_n_steps: steps between two reports.
      saver, save_interval_secs: saves `model.ckpt-{step}` when so many seconds have passed since the last save.
      summary_op, save_summaries_secs: writes TensorBoard's summaries of a step as often; None or 0 for none.
      hooks: functions called as hook(session, step) after every step, and with the step that a run resumes from: a kill
        may have come before the hook was done with it. For work such as an evaluation now and then.
    """

    def __init__(self, train_dir: Path, metrics: Mapping[str, tf.Tensor], *, batch_size: int, max_steps: int,
                 log_every_n_steps: int, saver: tf.train.Saver, save_interval_secs: float,
                 summary_op: tf.Tensor | None = None, save_summaries_secs: float = 0,
                 hooks: tuple[Callable[[tf.Session, int], None], ...] = ()):
        self.train_dir, self.metrics, self.batch_size = Path(train_dir), dict(metrics), batch_size
        self.max_steps, self.log_every_n_steps = max_steps, log_every_n_steps
        self.saver, self.save_interval_secs, self.hooks = saver, save_interval_secs, hooks
        self.summaries = RegularSummaries(self.train_dir, summary_op, save_summaries_secs)
        # Looked at in NumPy: operations for it would lengthen the start-up. Slots are no worse than their variables.
        self.variables = {variable.op.name: variable for variable in slim.get_model_variables()}
        self.stop_requested: str | None = None
        self.step: int | None = None
        self.first_step = 0
        self._sums: dict[str, float] = {}
        self._count = 0
        self._reported = self._saved = time.monotonic()

    def __call__(self, sess: tf.Session, train_op: tf.Tensor, global_step: tf.Variable, _kwargs: dict) -> tuple:
        """One step; returns (loss, whether to stop), as slim.learning.train wants it."""
        if self.step is None:
            self._begin(sess, int(sess.run(global_step)))
        if self.step >= self.max_steps:
            return math.nan, True
        fetches = {"loss": train_op, "step": global_step, "metrics": self.metrics, **self.summaries.fetches()}
        try:
            done = sess.run(fetches)
        except tf.errors.InvalidArgumentError as error:
            raise self._explained(error, sess) from None
        self.step = int(done["step"])
        with train_folder.errors_told(self.train_dir):
            self.summaries.write(sess.graph, self.step, done)
        return self._after_step(sess, done)

    def _begin(self, sess: tf.Session, step: int) -> None:
        self.step = self.first_step = step
        if step >= self.max_steps:
            say(f"{self.train_dir} is at step {step} of {self.max_steps}: done already. More steps need a higher "
                "--max_number_of_steps or --num_epochs")
        if step:
            checkpoints.keep_newest(self.saver)
            self._run_hooks(sess)
        self._reported = self._saved = time.monotonic()

    def _run_hooks(self, sess: tf.Session) -> None:
        started = time.monotonic()
        for hook in self.hooks:
            hook(sess, self.step)
        self._reported += time.monotonic() - started  # a step's rate does not count evaluations

    def _after_step(self, sess: tf.Session, done: Mapping) -> tuple:
        """Report, run the hooks, save: what the step's results ask for."""
        loss, values = done["loss"], done["metrics"]
        stopping = bool(self.stop_requested) or self.step >= self.max_steps
        self._collect(values)
        if self.step % self.log_every_n_steps == 0 or stopping:
            self._report()
        self._run_hooks(sess)
        if time.monotonic() - self._saved >= self.save_interval_secs:
            self.save(sess)
        if stopping:
            self._check_finite(sess)  # slim saves now
        return float(loss), stopping

    def save(self, sess: tf.Session) -> str:
        """Save a checkpoint of this step now; returns its prefix."""
        if not self.train_dir.is_dir():  # TensorFlow would make another, without model.json
            raise FileNotFoundError(errno.ENOENT, "the folder was removed", str(self.train_dir))
        self._check_finite(sess)
        with train_folder.errors_told(self.train_dir):
            prefix = self.saver.save(sess, str(self.train_dir / "model.ckpt"), global_step=self.step)
        self._saved = time.monotonic()
        return prefix

    def prefix(self) -> str:
        """The checkpoint of this step, without the files' endings."""
        return str(self.train_dir / f"model.ckpt-{self.step}")

    def _check_finite(self, sess: tf.Session) -> None:
        bad = [name for name, values in sess.run(self.variables).items() if not np.isfinite(values).all()]
        if bad:
            raise RunError(f"step {self.step}: {len(bad)} variables are not finite, {bad[0]} the first.\nNothing was "
                           "saved since. Try a lower --learning_rate, or a larger --opt_epsilon.")

    def request_stop(self, reason: str) -> None:
        """End the training after the step in hand."""
        self.stop_requested = reason

    def _explained(self, error: tf.errors.OpError, sess: tf.Session) -> Exception:
        if not any(sign in error.message for sign in (NOT_FINITE, NOT_DRAWN)):
            return error
        rate = float(sess.run(self.metrics["learning_rate"])) if "learning_rate" in self.metrics else math.nan
        before = f", losses before: {self._losses(self._means())}" if self._count else ""
        return RunError(
            f"step {self.step + 1}: {NOT_FINITE} (learning rate {rate:.3g}{before})."
            f"\nThat step changed and saved nothing. {self._resumed()}Try a lower --learning_rate, a longer "
            "--warmup_steps, --clip_gradient_norm, or look for broken boxes in the data.")

    def _resumed(self) -> str:
        """What to think of the checkpoint that a run resumed from, if the run failed at once."""
        if not self.step or self.step > self.first_step:
            return ""
        return (f"It was the first after {self.prefix()}, whose weights may be ruined already: "
                "remove that checkpoint, and the run goes on from the one before. ")

    def _collect(self, values: Mapping[str, float]) -> None:
        self._count += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)

    def _means(self) -> dict[str, float]:
        return {name: total / max(self._count, 1) for name, total in self._sums.items()}

    @staticmethod
    def _losses(means: Mapping[str, float]) -> str:
        return " ".join(f"{name.removeprefix('loss_')} {value:.3f}" for name, value in means.items()
                        if name.startswith("loss_"))

    def _report(self) -> None:
        """A line on the terminal and one in metrics.jsonl: means since the last report."""
        means, now = self._means(), time.monotonic()
        seconds = max(now - self._reported, 1e-9)
        rate = self._count * self.batch_size / seconds
        left = (self.max_steps - self.step) * seconds / max(self._count, 1)
        others = {name: value for name, value in means.items() if not name.startswith("loss")}
        say(f"step {self.step}/{self.max_steps}  loss {means.get('loss', math.nan):.3f} ({self._losses(means)})  "
            + "  ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in others.items())
            + f"  {rate:.1f} images/s  {duration(left)} left")
        row = {"step": self.step, "time": time.time(), "images_per_second": rate, **means}
        with (self.train_dir / "metrics.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        self._sums, self._count, self._reported = {}, 0, now


@contextlib.contextmanager
def stop_on_signals(loop: TrainLoop) -> Iterator[None]:
    """While inside, SIGTERM, a terminal that closes and the first Ctrl-C ask `loop` to end; a second Ctrl-C interrupts
    at once."""
    def ask(number: int, _frame: object) -> None:
        loop.request_stop(signal.Signals(number).name)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        say(f"{signal.Signals(number).name}: finishing this step, then saving")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, *stop_signals())}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(train_op: tf.Tensor, loop: TrainLoop, *, init_fn: Callable | None, session_config: tf.ConfigProto) -> None:
    """Train until `loop` says stop, then save. Raises RunError where the run cannot go on."""
    try:
        with stop_on_signals(loop), without_graph_text(), shared_callables():
            slim.learning.train(
                train_op, str(loop.train_dir), train_step_fn=loop, train_step_kwargs={}, init_fn=init_fn,
                saver=loop.saver, session_config=session_config, ignore_live_threads=True,
                # The loop saves and summarises; slim's own threads would do so in the middle of a step.
                save_interval_secs=0, save_summaries_secs=0, summary_op=None, summary_writer=None, log_every_n_steps=0)
        if loop.step is not None and not Path(f"{loop.prefix()}.index").is_file():  # slim did not hear of it either
            raise train_folder.too_large(loop.prefix())
    except (tf.errors.OpError, OSError) as error:
        when = "before the first step" if loop.step is None else f"at step {loop.step}"
        raise train_folder.write_error(error, loop.train_dir, when) from error
    if loop.step is None or (loop.step < loop.max_steps and not loop.stop_requested):
        raise RunError(f"the input ended at step {loop.step}, before step {loop.max_steps}: the shards could not be "
                       "read to the end.\nConvert the data set again, then run the same command to go on.")
