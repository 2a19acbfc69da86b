"""What the flags of detect_ssd_images.py reach, and what its functions make of detections; in this process."""
import functools

import numpy as np
import pytest

import tf_extended as tfe
from nets import model_file
from preprocessing import preprocessing_factory
from preprocessing.ssd_vgg_preprocessing import Resize
from tests.scripts import in_process, small_net
from tests.scripts.running import SMALL
from tf_extended.evaluation import loose_pictures
from tf_extended.evaluation.detection_graph import Selection

FOUND = loose_pictures.Found(np.array([2, 7]), np.array([0.98765, 0.5]),
                             np.array([[0.1, 0.2, 0.5, 0.4], [0.0, 0.0, 1.0, 1.0]]))
NET = small_net.thin(num_classes=3)


@pytest.fixture
def load(monkeypatch):
    return functools.partial(in_process.load, monkeypatch, "detect_ssd_images.py")


def model_file_of(folder, interpolation="bilinear_slim"):
    model_file.write_model_file(folder, NET, ["box", "ball"], interpolation)
    return str(folder / "model.ckpt-1")


def test_flags_of_the_detection(load, monkeypatch, tmp_path):
    detected = in_process.listen(monkeypatch, loose_pictures, "detect_in_pictures", lambda *_, **__: [])
    asked = in_process.listen(monkeypatch, preprocessing_factory, "get_preprocessing", lambda *_: None)
    load(select_threshold=0.1, nms_threshold=0.2, select_top_k=30, keep_top_k=4, test_flips="both", batch_size=3,
         moving_average_decay=0.9, eval_resize=2, preprocessing_name="another", gpu_memory_fraction=0.5).detect(
             [], [], str(tmp_path / "model.ckpt-1"), NET)
    [call] = detected
    assert call["selection"] == Selection(0.1, 0.2, 30, 4, "class", "both")
    assert (call["batch_size"], call["moving_average_decay"]) == (3, 0.9)
    assert call["session_config"].gpu_options.per_process_gpu_memory_fraction == 0.5
    assert asked[0]["name"] == "another"
    assert call["preprocess_options"] == {"resize": Resize(2), "interpolation": "bilinear_slim"}


def test_pictures_are_resized_as_in_the_training(load, monkeypatch, tmp_path):
    detected = in_process.listen(monkeypatch, loose_pictures, "detect_in_pictures", lambda *_, **__: [])
    load().detect([], [], model_file_of(tmp_path, "bilinear"), NET)
    assert detected[0]["preprocess_options"]["interpolation"] == "bilinear"


def test_flags_of_a_net_without_a_model_file(load, tmp_path):
    (tmp_path / "labels.txt").write_text("box\nball\n")
    net, names = load(**SMALL, depth_multiplier=0.05, batch_norm=True, eval_image_size=128,
                      labels=tmp_path / "labels.txt").build_net(str(tmp_path / "model.ckpt-1"))
    assert names == {1: "box", 2: "ball"}
    assert (net.name, net.params.num_classes, net.depth_multiplier, net.batch_norm) == (small_net.NAME, 3, 0.05, True)
    assert net.params.img_shape == (128, 128)
    net, names = load(anchors="coco").build_net(str(tmp_path / "model.ckpt-1"))
    assert (len(names), names[20], net.params.anchor_sizes[0]) == (20, "tvmonitor", (21.0, 45.0))


@pytest.mark.parametrize("flag", ["model_name", "depth_multiplier", "batch_norm", "anchors", "labels"])
def test_what_the_model_file_says_nothing_else_may(load, flag, tmp_path):
    with pytest.raises(tfe.InputError, match=f"--{flag} means nothing beside"):
        load(**{flag: 1}).build_net(model_file_of(tmp_path))


def test_a_picture_s_entry_has_boxes_in_pixels_x_first(load, tmp_path):
    assert load().describe(tmp_path, (100, 200), FOUND, {2: "ball"}) == {
        "image": str(tmp_path), "width": 200, "height": 100, "detections": [
            {"class": "ball", "score": 0.9877, "box": [40.0, 10.0, 80.0, 50.0]},
            {"class": "class 7", "score": 0.5, "box": [0.0, 0.0, 200.0, 100.0]}]}


def test_the_surest_box_is_drawn_last(load, monkeypatch, tmp_path):
    script = load()
    drawn = in_process.listen(monkeypatch, script, "draw_marks")
    script.draw(tmp_path / "a.png", np.zeros([100, 200, 3], np.uint8), FOUND, {2: "ball"})
    marks = drawn[0]["marks"]
    assert [mark.text for mark in marks] == ["7 0.50", "ball 0.99"]
    np.testing.assert_allclose(marks[1].bbox, [11, 41, 50, 80])
    assert marks[0].colour != marks[1].colour


def test_a_picture_counts_once_and_hidden_files_do_not(load, tmp_path):
    for name in ("a.png", ".b.png"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert load(images=f"{tmp_path},{tmp_path}/link/a.png").find_pictures() == [tmp_path / "a.png"]


def test_an_earlier_drawing_that_is_the_picture_now_is_not_overwritten(load, tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(tfe.InputError, match="would be overwritten"):
        load(output_dir=tmp_path).name_drawings([tmp_path / "a.png"], {"a.png"})


def test_precision_is_chosen_by_the_machine_unless_a_flag_says_otherwise(load):
    assert load().FLAGS.mixed_precision == "auto"
