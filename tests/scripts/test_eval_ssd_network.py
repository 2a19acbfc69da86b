"""eval_ssd_network.py as a user runs it: result files, thin nets, a training that goes on meanwhile."""
import json
import shutil
import subprocess

import pytest

from tests.scripts.fork_server import PROJECT
from tests.scripts.running import command, refuse, run, succeed, untrained_train_dir
from tests.shared_data import GOLDEN, needs_shared
from tests.tf_extended.evaluation.cases import golden_values, voc_folder
from tests.tf_extended.evaluation.rectangles import LABELS, PICTURES, write_shards

pytestmark = pytest.mark.slow
EVAL = "eval_ssd_network.py"


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="module")
def train_dir(tmp_path_factory):
    """A folder as a training of a very thin net leaves it: checkpoints of steps 1 and 2, and model.json."""
    return untrained_train_dir(tmp_path_factory.mktemp("train"), LABELS, steps=(1, 2))


def report(folder):
    return json.loads((folder / "report.json").read_text())


@needs_shared
@pytest.mark.parametrize("name", ["tiny", "voc_test"])
def test_anybodys_result_files_get_the_official_values(name, tmp_path):
    official = golden_values()[name]
    said = succeed(EVAL, detections_dir=GOLDEN / "ap" / name, dataset_dir=voc_folder(official["data"]),
                   dataset_split_name=official["split"], eval_dir=tmp_path / "out")
    assert f"mAP VOC07 {official['map07_official']:.4f}  VOC12 {official['map10_official']:.4f}" in said
    values = report(tmp_path / "out")
    assert values["images"] == official["images"]
    assert values["voc07"]["mAP"] == pytest.approx(official["map07_official"], abs=1e-9)
    assert values["voc12"]["mAP"] == pytest.approx(official["map10_official"], abs=1e-9)
    for class_name, expected in official["classes"].items():
        ap = values["voc07"]["AP"][class_name]
        assert ap == pytest.approx(expected["ap07_official"], abs=1e-9) if expected["npos"] else ap is None


def test_batches_make_no_difference_and_files_score_the_same(shards, train_dir, tmp_path):
    values = {}
    for batch_size in (1, 3, 8):
        out = tmp_path / str(batch_size)
        said = succeed(EVAL, dataset_dir=shards, checkpoint_path=train_dir, eval_dir=out, batch_size=batch_size,
                       mixed_precision="off")
        assert f"{len(PICTURES)} images" in said
        values[batch_size] = report(out)
    assert values[1]["checkpoint"].endswith("model.ckpt-2")
    assert (values[1]["step"], values[1]["net"]["depth_multiplier"]) == (2, 0.05)
    for batch_size in (3, 8):
        assert values[batch_size]["voc07"] == values[1]["voc07"]
        assert values[batch_size]["voc12"] == values[1]["voc12"]
        counts = [sum(c["detections"] for c in values[b]["classes"].values()) for b in (1, batch_size)]
        assert counts[0] == pytest.approx(counts[1], rel=0.01)  # one more or less at the threshold, by rounding
    succeed(EVAL, dataset_dir=shards, detections_dir=tmp_path / "3", eval_dir=tmp_path / "again")
    again = report(tmp_path / "again")
    assert all(again[key] == values[3][key] for key in ("voc07", "voc12", "coco", "classes", "confusion", "errors"))


def test_flips_look_at_mirror_images_too(shards, train_dir, tmp_path):
    said = succeed(EVAL, dataset_dir=shards, checkpoint_path=train_dir, eval_dir=tmp_path / "out", batch_size=3,
                   test_flips="horizontal")
    assert f"{len(PICTURES)} images" in said
    assert report(tmp_path / "out")["settings"]["test_flips"] == "horizontal"


def test_a_training_is_followed(shards, train_dir, tmp_path):
    """Steps 1 and 2 are there, 3 is broken, 4 comes later; then it ends, and a second call finds nothing new."""
    folder, out = tmp_path / "train", tmp_path / "out"
    shutil.copytree(train_dir, folder)
    (folder / "model.ckpt-3.index").write_bytes((folder / "model.ckpt-2.index").read_bytes())
    (folder / "model.ckpt-3.data-00000-of-00001").write_bytes(b"cut")
    flags = {"dataset_dir": shards, "checkpoint_path": folder, "eval_dir": out, "wait_for_checkpoints": True,
             "eval_interval_secs": 0.2, "idle_timeout_secs": 60, "num_pictures": 0}
    with subprocess.Popen(command(EVAL, **flags, max_evaluations=3), cwd=PROJECT, stdout=subprocess.PIPE,
                          text=True) as process:
        said = ""
        for line in process.stdout:
            said += line
            if "model.ckpt-3" in line:
                for file in list(folder.glob("model.ckpt-2.*")):
                    shutil.copy(file, folder / file.name.replace("ckpt-2", "ckpt-4"))
    assert process.returncode == 0, said
    assert "model.ckpt-3 cannot be restored" in said
    curve = json.loads((out / "curve.json").read_text())
    assert [point["step"] for point in curve["points"]] == [1, 2, 4]
    said = succeed(EVAL, **(flags | {"idle_timeout_secs": 1}))
    assert "done: 0 evaluated" in said
    other = shutil.copytree(train_dir, tmp_path / "other")  # steps 1 and 2 again, of another training
    said = succeed(EVAL, **(flags | {"checkpoint_path": other}), max_evaluations=1)
    assert "done: 1 evaluated" in said
    points = json.loads((out / "curve.json").read_text())["points"]
    assert [(point["step"], point["training"]) for point in points] == [
        (1, str(folder)), (1, str(other)), (2, str(folder)), (4, str(folder))]


def test_no_training_comes(shards, tmp_path):
    done = run(EVAL, dataset_dir=shards, checkpoint_path=tmp_path / "train", eval_dir=tmp_path / "out",
               wait_for_checkpoints=True, idle_timeout_secs=0.5, eval_interval_secs=0.2)
    assert done.returncode == 1
    assert "no checkpoint came into" in done.stderr
    assert not (tmp_path / "out").exists()


def test_limits_and_choices_take_effect(shards, train_dir, tmp_path):
    succeed(EVAL, dataset_dir=shards, checkpoint_path=train_dir / "model.ckpt-1.index", eval_dir=tmp_path / "out",
            max_num_batches=2, batch_size=3, keep_top_k=100, keep_top_k_per="image", eval_resize=3, eval_image_size=320,
            matching_threshold=0.3, remove_difficult=False)
    values = report(tmp_path / "out")
    assert (values["images"], values["step"], values["matching_threshold"]) == (6, 1, 0.3)
    assert values["net"]["img_shape"] == [320, 320]
    assert 0 < sum(c["detections"] for c in values["classes"].values()) <= 6 * 100


@pytest.mark.parametrize(("flags", "message"), [
    ({}, "--dataset_dir is missing"),
    ({"dataset_dir": "{shards}"}, "--eval_dir is missing"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}"}, "give --checkpoint_path"),
    ({"dataset_dir": "{out}/none", "eval_dir": "{out}", "checkpoint_path": "{train}"}, "no such folder"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{out}"}, "no checkpoint at"),
    ({"dataset_dir": "{shards}", "eval_dir": "{train}/model.json", "checkpoint_path": "{train}"}, "not a folder"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}/model.json"},
     "is no TensorFlow checkpoint"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}", "depth_multiplier": 0.5},
     "describes another net: depth_multiplier is 0.05, not 0.5"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}", "anchors": "voc"},
     "describes another net: params.anchor"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}", "moving_average_decay": 0.9},
     "holds no moving averages"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}", "max_evaluations": 1},
     "means nothing without --wait_for_checkpoints"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}", "test_flips": "both",
      "keep_top_k_per": "image"}, "--keep_top_k_per=image does not go with --test_flips"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "detections_dir": "{train}", "batch_size": 2},
     "--batch_size means nothing with --detections_dir"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "detections_dir": "{train}"}, "holds no result file"),
    ({"dataset_dir": "{voc}", "eval_dir": "{out}", "detections_dir": "{train}"}, "Annotations/b.xml"),
    ({"dataset_dir": "{shards}", "eval_dir": "{out}", "checkpoint_path": "{train}", "eval_resize": 9}, "eval_resize=9"),
])
def test_bad_flags_and_input(flags, message, shards, train_dir, tmp_path):
    places = {"shards": shards, "train": train_dir, "out": tmp_path / "out", "voc": tmp_path / "voc"}
    (tmp_path / "voc" / "Annotations").mkdir(parents=True)
    (tmp_path / "voc" / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "voc" / "ImageSets" / "Main" / "test.txt").write_text("b\n")
    said = refuse(EVAL, **{name: str(value).format(**places) for name, value in flags.items()})
    assert message in said
    assert not (tmp_path / "out").exists()
