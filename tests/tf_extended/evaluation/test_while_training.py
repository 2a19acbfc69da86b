"""When a training is evaluated, and which checkpoint is kept: with an evaluator that says what the test wants."""
import json
from types import SimpleNamespace

import pytest

from tf_extended.console import InputError
from tf_extended.evaluation import curve, while_training
from tf_extended.evaluation.while_training import EvaluateAsItGoes, check_earlier


@pytest.fixture
def hook(tmp_path):
    """A hook for every 10th step of 25; `hook.saved` and `hook.figures` are what happens and what is found."""
    (tmp_path / "model.json").write_text("{}")
    saved, figures, clock = [], {10: 0.3, 20: 0.5, 25: 0.4}, SimpleNamespace(step=0)

    def save(_session):
        prefix = tmp_path / f"model.ckpt-{clock.step}"
        for part in ("index", "data-00000-of-00001", "meta"):
            prefix.with_name(f"{prefix.name}.{part}").write_text(str(clock.step))
        saved.append(clock.step)
        return str(prefix)

    def score(checkpoint):
        value = figures[int(checkpoint.rsplit("-", 1)[1])]
        return SimpleNamespace(map07=None if value is None else value - 0.1, map12=value), 2

    made = []
    hook = EvaluateAsItGoes(tmp_path, "val", 10, 25, lambda: made.append(1) or SimpleNamespace(score=score), save,
                            ("model.json",))
    hook.saved, hook.figures, hook.made, hook.clock = saved, figures, made, clock
    return hook


def run(hook, steps):
    for step in steps:
        hook.clock.step = step
        hook(None, step)


def best(hook):
    return json.loads((hook.train_dir / "best" / "best.json").read_text())


def test_evaluates_when_due_and_at_the_end_and_builds_one_evaluator(hook, capsys):
    run(hook, range(1, 26))
    assert hook.saved == [10, 20, 25]
    assert hook.made == [1]
    points = curve.read_curve(hook.train_dir)
    assert [(p["step"], p["voc12"]) for p in points] == [(10, 0.3), (20, 0.5), (25, 0.4)]
    printed = capsys.readouterr().out
    assert ("evaluation at step 20: mAP VOC07 0.4000  VOC12 0.5000  on 2 images  (the best VOC12 so far, kept)"
            in printed)
    assert printed.count("the best VOC12 so far") == 2


def test_the_best_is_kept_with_its_model_file_and_without_the_graph(hook):
    run(hook, [10, 20, 25])
    assert sorted(p.name for p in (hook.train_dir / "best").iterdir()) == [
        "best.json", "model.ckpt-20.data-00000-of-00001", "model.ckpt-20.index", "model.json"]
    assert best(hook)["checkpoint"] == "model.ckpt-20"


def test_a_resumed_run_knows_the_best_of_the_one_before(hook):
    run(hook, [10, 20])
    hook.figures[25] = 0.5
    run(hook, [25])
    assert best(hook)["step"] == 20


def test_nothing_to_find_is_no_reason_to_fail(hook, capsys):
    hook.figures[10] = None
    run(hook, [10])
    assert "no object to find" in capsys.readouterr().out
    assert curve.read_curve(hook.train_dir) == []


def again(hook):
    """The hook of a next run in the same folder."""
    following = EvaluateAsItGoes(hook.train_dir, "val", 10, 25, hook.make_evaluator, hook.save, ("model.json",))
    following.clock = hook.clock
    return following


def test_a_run_that_resumes_makes_up_for_an_evaluation_only_if_it_is_missing(hook):
    run(hook, [10])
    run(again(hook), [10, 11])
    assert hook.saved == [10]
    run(again(hook), [20, 21])
    assert hook.saved == [10, 20]
    assert [point["step"] for point in curve.read_curve(hook.train_dir)] == [10, 20]


def test_a_kill_before_the_best_is_copied_is_made_up_for(hook, monkeypatch):
    def kill(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(while_training.shutil, "copy2", kill)
        run(hook, [10])
    run(again(hook), [10])
    assert best(hook)["step"] == 10
    assert [point["step"] for point in curve.read_curve(hook.train_dir)] == [10]


def test_evaluations_of_another_split_or_training_are_not_compared_with(hook):
    check_earlier(hook.train_dir, resuming=False, split="val", images=2)
    run(hook, [10])
    check_earlier(hook.train_dir, resuming=True, split="val", images=2)
    with pytest.raises(InputError, match="evaluations of an earlier training"):
        check_earlier(hook.train_dir, resuming=False, split="val", images=2)
    for split, images in (("test", 2), ("val", 3)):
        with pytest.raises(InputError, match=f"--eval_split={split}, {images} images: .* on val, 2 images"):
            check_earlier(hook.train_dir, resuming=True, split=split, images=images)
    (hook.train_dir / curve.CURVE_JSON).unlink()
    with pytest.raises(InputError, match="does not compare"):
        check_earlier(hook.train_dir, resuming=True, split="test", images=2)


def test_a_step_that_a_run_repeats_is_evaluated_again(hook):
    run(hook, [10, 20])
    hook.figures[20] = 0.45
    run(again(hook), [10, 20])
    assert [point["voc12"] for point in curve.read_curve(hook.train_dir)] == [0.3, 0.45]
    assert best(hook)["voc12"] == 0.5


def test_what_a_user_keeps_beside_the_best_stays_there(hook):
    run(hook, [10])
    best_folder = hook.train_dir / "best"
    (best_folder / "eval").mkdir()
    for name in ("eval/report.html", "notes.txt"):
        (best_folder / name).write_text("mine")
    run(hook, [20])
    assert best(hook)["step"] == 20
    assert sorted(path.name for path in best_folder.iterdir()) == [
        "best.json", "eval", "model.ckpt-20.data-00000-of-00001", "model.ckpt-20.index", "model.json", "notes.txt"]
    assert (best_folder / "eval/report.html").read_text() == (best_folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("old_is_gone", [True, False])
def test_a_kill_between_the_old_best_and_the_new_forgets_neither(hook, old_is_gone):
    run(hook, [10])
    (hook.train_dir / "best").rename(hook.train_dir / "old")
    run(hook, [20])
    (hook.train_dir / "best").rename(hook.train_dir / "best.partial")
    if not old_is_gone:
        (hook.train_dir / "old").rename(hook.train_dir / "best")
    following = again(hook)
    assert best(hook)["step"] == 20
    run(following, [25])
    assert best(hook)["step"] == 20
    assert not (hook.train_dir / "best.partial").exists()


@pytest.mark.parametrize("record", [None, "", '{"voc1', "[]"])
def test_a_half_copied_best_does_not_replace_the_old(hook, record):
    run(hook, [10])
    partial = hook.train_dir / "best.partial"
    partial.mkdir()
    (partial / "model.ckpt-20.index").write_text("20")
    if record is not None:
        (partial / "best.json").write_text(record)
    following = again(hook)
    assert best(hook)["step"] == 10
    run(following, [20])
    assert best(hook)["step"] == 20
    assert "model.ckpt-10.index" not in {path.name for path in (hook.train_dir / "best").iterdir()}
