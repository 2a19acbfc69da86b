"""Flags of evaluation and conversion reach what they are for, as seen in what the scripts leave."""
import json
import shutil

import pytest

from datasets.tfrecord_format import parse_example
from nets import nets_factory
from nets.anchor_sets import anchor_params
from tests.datasets.voc_cases import BOXES, in_xml, make_voc_folder
from tests.scripts.running import refuse, succeed, untrained_train_dir
from tests.tf_extended.evaluation.rectangles import LABELS, PICTURES, write_shards
from tf_extended.compat import tf

pytestmark = pytest.mark.slow
CONVERT, EVAL = "tf_convert_data.py", "eval_ssd_network.py"


def report(folder):
    values = json.loads((folder / "report.json").read_text())
    return values, {name: (c["objects"], c["difficult"]) for name, c in values["classes"].items()}


def test_files_are_scored_as_the_flags_say(tmp_path):
    """Detections are as high as the objects and half as wide: their IoU is .5."""
    shards = write_shards(tmp_path, difficult=(0, 1))
    (tmp_path / "comp4_det_test_box.txt").write_text("".join(
        f"picture {number} 0.9 {box[1]} {box[0]} {(box[1] + box[3] - 1) // 2} {box[2]}\n"
        for number, (_, box) in enumerate(PICTURES) if box))
    flags = {"dataset_dir": shards, "detections_dir": tmp_path, "eval_dir": tmp_path / "out"}
    succeed(EVAL, **flags, num_pictures=2)
    values, counts = report(tmp_path / "out")
    assert (values["voc07"]["AP"]["box"], counts["box"]) == (1, (5, 2))
    drawn = len(list((tmp_path / "out").rglob("*_picture_*.png")))
    succeed(EVAL, **flags, num_pictures=0, matching_threshold=0.6, remove_difficult=False)
    values, counts = report(tmp_path / "out")
    assert (values["voc07"]["AP"]["box"], counts["box"]) == (0, (7, 0))
    assert values["settings"]["matching_threshold"] == 0.6
    assert drawn > len(list((tmp_path / "out").rglob("*_picture_*.png"))) == 0
    assert "--labels means nothing for shards" in refuse(EVAL, **flags, labels="x.txt")


def test_the_labels_of_a_voc_folder(tmp_path):
    voc = make_voc_folder(tmp_path / "voc", "bad")
    in_xml("<name>cat", "<name>wolf")(voc)
    for name in ("cat", "bird"):
        (tmp_path / f"comp4_det_all_{name}.txt").write_text("bad 0.9 {} {} {} {}\n".format(*BOXES[1]))
    (tmp_path / "mine.txt").write_text("dog\ncat\n")
    flags = {"dataset_dir": voc, "dataset_split_name": "all", "detections_dir": tmp_path, "eval_dir": tmp_path / "out"}
    assert len(report_of_labels(flags, tmp_path)[0]["classes"]) == 20
    (voc / "labels.txt").write_text("cat\nwolf\n")
    assert report_of_labels(flags, tmp_path)[1] == {"cat": (1, 0), "wolf": (1, 0)}
    said = succeed(EVAL, **flags, labels=tmp_path / "mine.txt")
    assert report(tmp_path / "out")[1] == {"dog": (0, 0), "cat": (1, 0)}
    assert "objects of other classes do not count: wolf" in said
    assert "no file, so no detections, of: dog" in said and "left out: comp4_det_all_bird.txt" in said
    assert report(tmp_path / "out")[0]["voc12"]["AP"]["cat"] == 1
    assert "--dataset_name means nothing for a VOC folder" in refuse(EVAL, **flags, dataset_name="voc_2007")


def report_of_labels(flags, tmp_path):
    succeed(EVAL, **flags)
    return report(tmp_path / "out")


def test_nets_by_flags_and_by_their_file(tmp_path):
    shards, out = write_shards(tmp_path, difficult=(0, 1)), tmp_path / "out"
    train_dir = untrained_train_dir(tmp_path / "train", LABELS)
    flags = {"dataset_dir": shards, "checkpoint_path": train_dir, "eval_dir": out, "num_pictures": 0, "batch_size": 8}
    succeed(EVAL, **flags, select_threshold=1, remove_difficult=False)
    (by_file, counts), by_flags = report(out), shutil.copytree(train_dir, tmp_path / "bare")
    assert counts == {"box": (7, 0), "ball": (0, 0)}
    assert all(c["detections"] == 0 for c in by_file["classes"].values())
    assert not list(out.rglob("*_picture_*.png"))
    (by_flags / "model.json").unlink()
    flags["checkpoint_path"] = by_flags
    assert "the net is built by the flags" in succeed(EVAL, **flags, depth_multiplier=0.05, keep_top_k=1)
    values, counts = report(out)
    assert values["net"] == by_file["net"] and counts["box"] == (5, 2)
    assert all(0 < c["detections"] <= 8 for c in values["classes"].values())
    assert "--num_classes=2: the data set has 2 classes" in refuse(EVAL, **flags, num_classes=2)
    described = json.loads((train_dir / "model.json").read_text())
    (by_flags / "model.json").write_text(json.dumps(described).replace('"ball"', '"cube"'))
    assert "the net knows the classes box, cube, the data set has box, ball" in refuse(EVAL, **flags)


def test_a_conversion_as_the_flags_say(tmp_path):
    make_voc_folder(tmp_path / "voc", *"abcd")
    flags = {"dataset_dir": tmp_path / "voc", "output_name": "a_b", "output_dir": tmp_path / "out"}

    def stored():
        return [[parse_example(record).filename for record in tf.io.tf_record_iterator(str(path))]
                for path in sorted((tmp_path / "out").glob("*.tfrecord"))]

    said = succeed(CONVERT, **flags, labels="auto", shuffle=True, samples_per_file=3, report_dir=tmp_path / "report")
    assert "label map: 1 cat\n" in said
    assert stored() == [["b", "c", "a"], ["d"]]  # by the documented seed, 4242
    assert [path.name for path in (tmp_path / "report").iterdir()] == ["a_b.report.json"]
    assert "label map: 1 aeroplane, 2 bicycle" in succeed(CONVERT, **flags, overwrite=True)
    assert stored() == [["a", "b", "c", "d"]]

    flags["dataset_dir"] = ""
    succeed(CONVERT, **flags, browse=tmp_path / "look", browse_pictures=3, model_name="ssd_512_vgg", anchors="voc",
            augmentation="none", match_threshold=1)
    statistics = json.loads((tmp_path / "look/anchors.json").read_text())
    given, augmented = statistics["as annotated"], statistics["augmented (none)"]
    assert (given["pictures"], given["objects"], augmented["pictures"], augmented["objects"]) == (4, 8, 12, 24)
    assert given["mean_best_iou"] == pytest.approx(augmented["mean_best_iou"])
    params = anchor_params("voc", nets_factory.get_network("ssd_512_vgg").default_params)
    for layer, name, sizes in zip(given["layers"], params.feat_layers, params.anchor_sizes, strict=True):
        assert (layer["name"], layer["sizes"]) == (name, pytest.approx(sizes))
        assert layer["objects_matched"] == layer["anchors_matched"] == 0  # no IoU is above 1
