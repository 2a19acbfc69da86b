"""detect_ssd_images.py as a user runs it, with the checkpoint of a thin net that was trained on nothing."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.scripts import small_net
from tests.scripts.fork_server import PROJECT
from tests.scripts.running import refuse, run, succeed, untrained_train_dir

pytestmark = pytest.mark.slow
DETECT = "detect_ssd_images.py"


@pytest.fixture(scope="module")
def train_dir(tmp_path_factory):
    return untrained_train_dir(tmp_path_factory.mktemp("train"), ["box", "ball"], small_net.SSDNet)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder: a grey JPEG, a PNG with an alpha channel, a text that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    cv2.imwrite(str(folder / "grey.jpg"), rng.integers(0, 255, [40, 70], np.uint8))
    cv2.imwrite(str(folder / "clear.PNG"), rng.integers(0, 255, [90, 30, 4], np.uint8))
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_folder_and_picture_are_detected_and_drawn(train_dir, pictures, tmp_path):
    single = tmp_path / "one more.png"
    cv2.imwrite(str(single), np.full([300, 300, 3], 127, np.uint8))
    out = tmp_path / "new" / "out"
    said = succeed(DETECT, checkpoint_path=train_dir, images=f"{pictures},{single}", output_dir=out,
                   select_threshold=0.3, keep_top_k=5, batch_size=2)
    assert "3 pictures: " in said
    result = json.loads((out / "detections.json").read_text())
    assert result["labels"] == ["box", "ball"]
    assert result["checkpoint"].endswith("model.ckpt-1")
    sizes = {"clear.PNG": (30, 90), "grey.jpg": (70, 40), "one more.png": (300, 300)}
    assert [entry["image"].rpartition("/")[2] for entry in result["images"]] == list(sizes)
    for entry, (width, height) in zip(result["images"], sizes.values(), strict=True):
        assert (entry["width"], entry["height"]) == (width, height)
        assert 0 < len(entry["detections"]) <= 10  # five a class
        for detection in entry["detections"]:
            xmin, ymin, xmax, ymax = detection["box"]
            assert 0 <= xmin <= xmax <= width
            assert 0 <= ymin <= ymax <= height
            assert detection["class"] in ("box", "ball")
            assert 0.3 <= detection["score"] <= 1
    assert {path.name for path in out.iterdir()} == {"detections.json", "clear.png", "grey.png", "one more.png"}
    assert max(cv2.imread(str(out / "grey.png")).shape) == 1024


def test_only_the_result(train_dir, pictures, tmp_path):
    succeed(DETECT, checkpoint_path=train_dir, images=pictures / "grey.jpg", output_dir=tmp_path, draw=False,
            select_threshold=1, test_flips="horizontal")
    assert [path.name for path in tmp_path.iterdir()] == ["detections.json"]
    result = json.loads((tmp_path / "detections.json").read_text())
    assert (result["select_threshold"], result["test_flips"]) == (1, "horizontal")
    [entry] = result["images"]
    assert entry["detections"] == []


@pytest.mark.parametrize(("flags", "message"), [
    ({}, "--checkpoint_path is missing"),
    ({"checkpoint_path": "{train}"}, "--images is missing"),
    ({"checkpoint_path": "{train}", "images": "{pictures}"}, "--output_dir is missing"),
    ({"checkpoint_path": "{train}", "images": "{pictures}/none.jpg", "output_dir": "{out}"}, "no such picture"),
    ({"checkpoint_path": "{train}", "images": "{train}", "output_dir": "{out}"}, "no picture in it"),
    ({"checkpoint_path": "{out}", "images": "{pictures}", "output_dir": "{out}"}, "no checkpoint at"),
    ({"checkpoint_path": "{train}", "images": "{pictures}", "output_dir": "{train}/model.json"}, "not a folder"),
    ({"checkpoint_path": "{train}", "images": "{pictures}", "output_dir": "{out}", "anchors": "voc"},
     "--anchors means nothing beside"),
    ({"checkpoint_path": "{train}", "images": "{pictures}", "output_dir": "{out}", "moving_average_decay": "0.9"},
     "holds no moving averages"),
    ({"checkpoint_path": "{train}", "images": "{pictures}", "output_dir": "{out}", "test_flips": "both",
      "keep_top_k_per": "image"}, "does not go with --test_flips"),
    ({"checkpoint_path": "{train}", "images": "{pictures}/grey.jpg,{copy}/grey.png", "output_dir": "{out}"},
     "would have the same drawing"),
])
def test_bad_flags_and_input(flags, message, train_dir, pictures, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    cv2.imwrite(str(copy / "grey.png"), np.zeros([9, 9, 3], np.uint8))
    places = {"train": train_dir, "pictures": pictures, "out": tmp_path / "out", "copy": copy}
    assert message in refuse(DETECT, **{name: value.format(**places) for name, value in flags.items()})
    assert not (tmp_path / "out").exists()


def test_every_unreadable_picture_is_named_and_nothing_is_done(train_dir, pictures, tmp_path):
    (tmp_path / "cut.jpg").write_bytes((pictures / "grey.jpg").read_bytes()[:400])
    (tmp_path / "text.png").write_text("not a picture")
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.jpg")).write_bytes((pictures / "grey.jpg").read_bytes())
    os.mkfifo(tmp_path / "pipe.jpg")  # which would be waited for
    done = run(DETECT, checkpoint_path=train_dir, images=f"{pictures},{tmp_path}", output_dir=tmp_path / "out")
    assert done.returncode == 2
    assert "pipe.jpg: " in done.stderr and "it is no regular file" in done.stderr
    assert "4 of 6 pictures cannot be read" in done.stderr
    assert "cut.jpg" in done.stderr
    assert "text.png" in done.stderr
    assert "the file's name is not UTF-8" in done.stderr
    assert not (tmp_path / "out").exists()


def test_nobodys_pictures_are_overwritten(train_dir, tmp_path):
    own, out = tmp_path / "own", tmp_path / "out"
    own.mkdir()
    out.mkdir()
    for name in ("a.png", "b.jpg"):
        cv2.imwrite(str(own / name), np.full([40, 60, 3], 127, np.uint8))
    before = (own / "a.png").read_bytes()
    assert "would be overwritten" in refuse(DETECT, checkpoint_path=train_dir, images=own, output_dir=own)
    (out / "b.png").write_bytes(before)  # nothing in the folder says that it is a drawing
    assert "would be overwritten" in refuse(DETECT, checkpoint_path=train_dir, images=own / "b.jpg", output_dir=out)
    assert (own / "a.png").read_bytes() == before
    (out / "b.png").unlink()
    for _ in range(2):  # drawings of our own are replaced
        succeed(DETECT, checkpoint_path=train_dir, images=own, output_dir=out, select_threshold=1)
    result = json.loads((out / "detections.json").read_text())
    assert result["complete"] and result["drawings"] == ["a.png", "b.png"]
    # A picture that somebody put beside them is none of ours, and drawings stay ours when others are drawn.
    (out / "c.png").write_bytes(before)
    (own / "c.jpg").write_bytes(before)
    assert "c.png is there already" in refuse(DETECT, checkpoint_path=train_dir, images=own / "c.jpg", output_dir=out)
    for names in ("b.jpg", "a.png"):
        succeed(DETECT, checkpoint_path=train_dir, images=own / names, output_dir=out, select_threshold=1)
    # Detected into the pictures' own folder, drawings are not taken for pictures the next time.
    (own / "a.png").rename(own / "a.jpg")
    for _ in range(2):
        succeed(DETECT, checkpoint_path=train_dir, images=own, output_dir=own, select_threshold=1)
        result = json.loads((own / "detections.json").read_text())
        assert [Path(image["image"]).name for image in result["images"]] == ["a.jpg", "b.jpg", "c.jpg"]
    (out / "detections.json").write_text('[{"image_id": 1}]')
    assert "not from an earlier detection" in refuse(DETECT, checkpoint_path=train_dir, images=own / "b.jpg",
                                                     output_dir=out)


def test_names_may_repeat_where_nothing_is_drawn_and_a_line_of_pixels_is_a_picture(train_dir, tmp_path):
    for name in ("a.jfif", "a.png"):
        cv2.imwrite(str(tmp_path / "line.png"), np.full([1, 3000, 3], 127, np.uint8))
        (tmp_path / name).write_bytes((tmp_path / "line.png").read_bytes())
    succeed(DETECT, checkpoint_path=train_dir, images=f"{tmp_path}/a.jfif,{tmp_path}/a.png", draw=False,
            output_dir=tmp_path / "out", select_threshold=1)
    succeed(DETECT, checkpoint_path=train_dir, images=tmp_path / "line.png", output_dir=tmp_path / "drawn",
            select_threshold=0.3)
    assert cv2.imread(str(tmp_path / "drawn/line.png")).shape == (1, 1024, 3)


@pytest.mark.parametrize("damage", ["index", "data", "no data"])
def test_a_damaged_checkpoint_is_named(damage, train_dir, pictures, tmp_path):
    copy = shutil.copytree(train_dir, tmp_path / "copy")
    [file] = copy.glob("*.index" if damage == "index" else "*.data*")
    file.unlink() if damage == "no data" else file.write_bytes(file.read_bytes()[:50])
    said = refuse(DETECT, checkpoint_path=copy, images=pictures, output_dir=tmp_path / "out")
    assert "Is that a whole TensorFlow checkpoint?" in said
    assert "Graph execution" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_is_stopped_leaves_what_it_had_found(stop, train_dir, tmp_path):
    """Ctrl-C, or `kill`, while the second picture is drawn; the same command then begins anew."""
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full([40, 60, 3], 127, np.uint8))
    code = ("import os, signal, sys; sys.argv = ['detect', *sys.argv[1:]]\n"
            "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # which nohup, if it began the tests, has ignored
            "import detect_ssd_images as script, tf_extended as tfe\n"
            "from tests.scripts import small_net\n"
            "small_net.enter()\n"
            "whole = script.draw\n"
            "def draw(path, *rest):\n"
            "    if path.name == 'b.png':\n"
            f"        os.kill(os.getpid(), signal.{stop})\n"
            "    whole(path, *rest)\n"
            "script.draw = draw\n"
            "tfe.run_script(script.main, script.FLAGS, '')\n")
    done = subprocess.run(
        [sys.executable, "-c", code, f"--checkpoint_path={train_dir}", f"--images={tmp_path}/a.png,{tmp_path}/b.png",
         f"--output_dir={tmp_path}/out", "--batch_size=1"], capture_output=True, text=True, check=False, cwd=PROJECT)
    assert (done.returncode, "interrupted" in done.stderr) == (1, True)
    result = json.loads((tmp_path / "out/detections.json").read_text())
    assert (result["complete"], len(result["images"])) == (False, 1)
    succeed(DETECT, checkpoint_path=train_dir, images=f"{tmp_path}/a.png,{tmp_path}/b.png",
            output_dir=tmp_path / "out")
