"""Evaluation as the training goes: mAP in the training's log, and the best checkpoint kept beside the newest.

Its job: when, and what is done with the figures. The evaluation itself is `evaluator.Evaluator`'s; the training calls
this as a hook of its loop, so it waits meanwhile.
"""
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tf_extended.compat import tf
from tf_extended.console import InputError, amount, say
from tf_extended.evaluation import curve
from tf_extended.evaluation.evaluator import Evaluator
from tf_extended.files import write_json
from tf_extended.train_folder import BEST_FOLDER

BEST_FILE = "best.json"


class EvaluateAsItGoes:
    """A hook of `training.TrainLoop`: every `every_n_steps` steps, and at `last_step`, save, evaluate, keep the best.

    split: the name of what is evaluated on. make_evaluator: builds the evaluator, when it is first needed. save: saves
    a checkpoint of the session, returns its prefix. companions: names of files in train_dir that belong to a checkpoint
    (model.json), copied with the best. Figures go to the log, to train_dir/curve.json and curve.png, and the best
    checkpoint to train_dir/best.
    """

    def __init__(self, train_dir: Path, split: str, every_n_steps: int, last_step: int,
                 make_evaluator: Callable[[], Evaluator], save: Callable[[tf.Session], str],
                 companions: tuple[str, ...] = ()):
        self.train_dir, self.every_n_steps, self.last_step = Path(train_dir), every_n_steps, last_step
        self.split, self.make_evaluator, self.save, self.companions = split, make_evaluator, save, companions
        self._evaluator: Evaluator | None = None
        self._first_call = True
        self._finish_replacing()

    def __call__(self, sess: tf.Session, step: int) -> None:
        """Evaluate, if it is time to, or if it was time in the step that a run resumes from and was not done."""
        resuming, self._first_call = self._first_call, False
        if step % self.every_n_steps and step != self.last_step:
            return
        if resuming and any(point["step"] == step for point in curve.read_curve(self.train_dir)):
            return
        self._evaluator = self._evaluator or self.make_evaluator()
        checkpoint = self.save(sess)
        scores, images = self._evaluator.score(checkpoint)
        if scores.map07 is None:
            say(f"evaluation at step {step}: no object to find in the evaluated split")
            return
        figures = {"step": step, "checkpoint": checkpoint, "voc07": scores.map07, "voc12": scores.map12,
                   "images": images, "split": self.split}
        # In this order: a run that resumes takes a step that has its point for done.
        best = self._keep_if_best(checkpoint, figures)
        curve.add_point(self.train_dir, figures)
        say(f"evaluation at step {step}: mAP VOC07 {figures['voc07']:.4f}  VOC12 {figures['voc12']:.4f}  on "
            + amount(images, "image") + ("  (the best VOC12 so far, kept)" if best else ""))

    def _keep_if_best(self, checkpoint: str, figures: dict) -> bool:
        """Copy the checkpoint to train_dir/best unless what is there is as good; says whether it did."""
        folder, fresh = self.train_dir / BEST_FOLDER, self.train_dir / f"{BEST_FOLDER}.partial"
        record = _read_record(folder)
        if record is not None and record["voc12"] >= figures["voc12"]:
            return False
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        prefix = Path(checkpoint)
        for file in [*prefix.parent.glob(f"{prefix.name}.*"), *(self.train_dir / name for name in self.companions)]:
            if file.suffix != ".meta":
                shutil.copy2(file, fresh / file.name)
        # The record comes last, whole or not at all, so a folder that has one has everything.
        write_json(fresh / BEST_FILE, {**figures, "checkpoint": prefix.name})
        self._finish_replacing()
        return True

    def _finish_replacing(self) -> None:
        """Put a whole new best in the place of the old one; at the start, what a kill has kept from happening.

        What a user keeps beside the old one, an evaluation of it, stays.
        """
        folder, fresh = self.train_dir / BEST_FOLDER, self.train_dir / f"{BEST_FOLDER}.partial"
        if _read_record(fresh) is None:
            return
        for path in list(folder.glob("*")):
            own = path.name.startswith("model.ckpt-") or path.name in (BEST_FILE, *self.companions)
            if not own and not (fresh / path.name).exists():
                path.rename(fresh / path.name)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def check_earlier(train_dir: Path, resuming: bool, split: str, images: int) -> None:
    """Refuse to compare with evaluations that an earlier training left in the folder, or that were of another split.

    resuming: whether there is a checkpoint to go on from. Raises InputError.
    """
    earlier = [*curve.read_curve(train_dir), *filter(None, [_read_record(train_dir / BEST_FOLDER)])]
    aside = f"move {curve.CURVE_JSON} and {BEST_FOLDER} out of {train_dir}"
    if earlier and not resuming:
        raise InputError(f"{train_dir} has no checkpoint to go on from, but evaluations of an earlier training; choose "
                         f"another --train_dir, or {aside}")
    for point in earlier:
        if "split" in point and (point["split"], point["images"]) != (split, images):
            raise InputError(f"--eval_split={split}, {images} images: {train_dir} was evaluated on {point['split']}, "
                             f"{point['images']} images, so far, which does not compare; give that, or {aside}")


def _read_record(folder: Path) -> dict | None:
    """What best.json says; None where there is none, or one that a power cut left unreadable."""
    try:
        record = json.loads((folder / BEST_FILE).read_text(encoding="utf-8"))
        return record if "voc12" in record else None
    except (FileNotFoundError, ValueError, TypeError):
        return None
