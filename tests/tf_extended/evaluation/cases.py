"""Ground truth and detections for the tests of the evaluation: golden sets, random sets, a naive evaluator."""
import json
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from lxml import etree

from tests.shared_data import DATA, GOLDEN
from tf_extended.evaluation.records import Detections, GroundTruth, make_detections, make_ground_truth
from tf_extended.evaluation.result_files import read_result_files

NAMES = {0: "none", 1: "cat", 2: "dog"}
SIDES = ("ymin", "xmin", "ymax", "xmax")


def golden_names() -> list[str]:
    """The golden sets, none where the shared data are not beside this checkout."""
    return sorted(golden_values()) if GOLDEN.is_dir() else []


def golden_values() -> dict:
    return json.loads((GOLDEN / "ap" / "expected.json").read_text())


def voc_folder(data: str) -> Path:
    return {"voc": DATA / "voc2007-mini", "bccd": DATA / "BCCD", "tiny": GOLDEN / "ap" / "tiny_voc"}[data]


def golden_set(name: str) -> tuple[Detections, GroundTruth, dict[int, str]]:
    """Detections, ground truth and names of a golden set; the annotations are read here, by nothing under test."""
    values = golden_values()[name]
    folder = voc_folder(values["data"])
    names = dict(enumerate(["none", *(folder / "labels.txt").read_text().split()]))
    labels = {text: label for label, text in names.items()}
    images = []
    for image_id in (folder / "ImageSets" / "Main" / f"{values['split']}.txt").read_text().split():
        objects = etree.parse(folder / "Annotations" / f"{image_id}.xml").getroot().findall("object")
        images.append((
            image_id,
            [labels[o.findtext("name")] for o in objects],
            [[float(o.findtext(f"bndbox/{side}")) for side in SIDES] for o in objects],
            [o.findtext("difficult") == "1" for o in objects],
        ))
    truth = make_ground_truth(images)
    files = read_result_files(GOLDEN / "ap" / name, values["split"], truth.image_ids, names)
    return files.detections, truth, names


def one_image(objects: list[tuple], found: list[tuple]) -> tuple[Detections, GroundTruth]:
    """One picture: objects (label, box, difficult), detections (label, score, box)."""
    truth = make_ground_truth([("a", [o[0] for o in objects], [o[1] for o in objects], [o[2] for o in objects])])
    return make_detections([(0, [f[0] for f in found], [f[1] for f in found], [f[2] for f in found])]), truth


@st.composite
def random_sets(draw) -> tuple[Detections, GroundTruth]:
    """A few images on a coarse grid of pixels, so that overlaps, exact halves and ties are common."""
    box = st.tuples(*[st.integers(1, 6)] * 4).map(lambda b: (min(b[0], b[2]), min(b[1], b[3]),
                                                             max(b[0], b[2]), max(b[1], b[3])))
    objects = st.lists(st.tuples(st.integers(1, 2), box, st.booleans()), max_size=4)
    found = st.lists(st.tuples(st.integers(1, 2), st.sampled_from([0.2, 0.5, 0.8]), box), max_size=6)
    images = draw(st.lists(st.tuples(objects, found), min_size=1, max_size=4))
    truth = make_ground_truth(
        (f"image {i}", [o[0] for o in rows], [o[1] for o in rows], [o[2] for o in rows])
        for i, (rows, _) in enumerate(images)
    )
    detections = make_detections(
        (i, [f[0] for f in rows], [f[1] for f in rows], [f[2] for f in rows]) for i, (_, rows) in enumerate(images)
    )
    return detections, truth


def naive_iou(a, b) -> float:
    height = min(a[2], b[2]) - max(a[0], b[0]) + 1
    width = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if height <= 0 or width <= 0:
        return 0.0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return height * width / (areas[0] + areas[1] - height * width)


def naive_ap(detections: Detections, truth: GroundTruth, label: int, threshold: float = 0.5):
    """(AP by 11 points, AP by area, number of objects) of one class: plain loops over the rules of the devkit."""
    objects = sum(not d for d, c in zip(truth.difficults, truth.labels, strict=True) if c == label)
    rows = [r for r in range(len(detections.scores)) if detections.labels[r] == label]
    rows.sort(key=lambda r: -detections.scores[r])
    taken, tp, fp, points = set(), 0, 0, []
    for r in rows:
        best, best_iou = None, -1.0
        for o in range(len(truth.labels)):
            if truth.labels[o] == label and truth.images[o] == detections.images[r]:
                iou = naive_iou(detections.bboxes[r], truth.bboxes[o])
                if iou > best_iou:
                    best, best_iou = o, iou
        if best is None or best_iou < threshold:
            fp += 1
        elif not truth.difficults[best]:
            tp, fp = (tp, fp + 1) if best in taken else (tp + 1, fp)
            taken.add(best)
        points.append((tp / objects if objects else 0.0, tp / (tp + fp) if tp + fp else 0.0))
    ap07 = sum(max([p for r, p in points if r >= i * 0.1], default=0.0) for i in range(11)) / 11
    area, before = 0.0, 0.0
    for k, (recall, _) in enumerate(points):
        area += (recall - before) * max(p for _, p in points[k:])
        before = recall
    return ap07, area, objects


def assert_same_rows(a, b) -> None:
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right)
