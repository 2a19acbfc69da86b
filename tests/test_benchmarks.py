"""The benchmarks' peers compute what they are compared with, and what is printed is the arithmetic it says."""
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from nets.ssd_vgg_300 import SSDNet
from tests.benchmarks import documented, encoding, evaluation, memory, sides, training_step
from tests.nets import golden


@pytest.mark.parametrize("count", [0, 1, 30])
def test_the_loop_over_objects_gives_the_targets_of_slim_matching(count):
    net, (labels, boxes) = SSDNet(), encoding.objects(count)
    ours = golden.run(lambda lab, box: net.bboxes_encode(lab, box, net.anchors()), labels, boxes)
    loop = golden.run(lambda lab, box: documented.encode(lab, box, net.anchors(), 21), labels, boxes)
    for expected, got in zip(ours, loop, strict=True):
        for one, other in zip(expected, got, strict=True):
            np.testing.assert_allclose(other, one, atol=1e-4)


def test_the_documented_pipeline_gives_a_whitened_picture_and_boxes_within_it():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    picture, labels, boxes = golden.run(
        lambda pixels, lab, box: documented.preprocess(pixels, lab, box, (30, 30)),
        image, np.array([1, 2]), np.array([[0.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.6, 0.7]], np.float32))
    assert picture.shape == (30, 30, 3)
    assert -123 <= picture.min() < 0 < picture.max() <= 151
    assert len(labels) == len(boxes)
    assert ((boxes >= 0) & (boxes <= 1)).all()


def test_sides_take_turns():
    taken = []
    results = sides.take_turns(2, {name: lambda name=name: taken.append(name) or len(taken) for name in "AB"})
    assert taken == ["A", "B", "A", "B"]
    assert results == {"A": [1, 3], "B": [2, 4]}


def test_rates_and_ratios_of_training_steps(capsys):
    def result(seconds):
        return [sides.Result({"seconds": [seconds, seconds, 99.0], "processor_seconds": [3.0],
                              "parameters": 26_285_486}, 0.0)]

    training_step.report({"documented": result(4.0), "ours float32": result(2.0), "PyTorch float32": result(1.0)})
    rows = capsys.readouterr().out.splitlines()
    assert rows[3] == "| ours float32 | 4.00 | ×2.00 | ×0.50 | 3.00 | 26,285,486 |"


def test_another_number_of_parameters_is_pointed_out(capsys):
    training_step.report({"documented": [sides.Result(
        {"seconds": [1.0], "processor_seconds": [1.0], "parameters": 5}, 0.0)]})
    assert "NOT 26,285,486" in capsys.readouterr().out


@pytest.mark.parametrize(("rates", "ratios"), [
    ({(1, "off"): 2.0, (8, "off"): 3.0}, ["batch 8 over batch 1, off: ×1.50"]),
    ({(1, "off"): 2.0, (8, "off"): 3.0, (1, "bfloat16"): 4.0, (8, "bfloat16"): 12.0},
     ["batch 8 over batch 1, bfloat16: ×3.00", "bfloat16 over float32, batch 8: ×4.00"]),
])
def test_ratios_of_evaluations(rates, ratios, capsys):
    stages = {"input": 1.6, "network": 3.2, "post_processing": 1.6}
    evaluation.report(rates, dict.fromkeys(rates, stages))
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split() == ["1", "off", "2.00", "50.0", "100.0", "50.0"]
    assert rows[1 + len(rates):-1] == ratios
    assert rows[-1] == f"post-processing's share, batch 8, {list(rates)[-1][1]}: 25.0%"


def test_peak_memory_is_that_of_the_process_itself_and_not_of_who_starts_it():
    held = np.ones(600_000_000, np.uint8)
    assert 0.3 < memory.peak_gigabytes([sys.executable, "-c", "held = b'x' * 300_000_000"]) < 0.4
    assert held.all()


def test_a_process_whose_memory_is_measured_and_that_fails_says_why():
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        memory.peak_gigabytes([sys.executable, "-c", "1 / 0"])


def test_a_side_that_fails_says_why():
    with pytest.raises(SystemExit, match="No module named"):
        sides.run_side("tests.benchmarks.nothing_like_it", "x", [])


# torch_ssd needs PyTorch, which is not among the tests' requirements.
@pytest.mark.parametrize("name", sorted(
    path.stem for path in Path(sides.__file__).parent.glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8") and path.stem != "torch_ssd"))
def test_help_tells_the_flags_and_measures_nothing(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"tests.benchmarks.{name}").main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {name}")
