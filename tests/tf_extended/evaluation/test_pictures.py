"""The files of drawn pictures."""
import numpy as np

from tests.tf_extended.evaluation.cases import NAMES
from tf_extended.evaluation import pictures, report
from tf_extended.evaluation.records import make_detections, make_ground_truth


def test_pictures_are_numbered_in_the_order_chosen_and_named_by_their_ids(tmp_path):
    """What cannot be loaded takes no number; an id may have a slash."""
    truth = make_ground_truth((image_id, [1], [(1, 1, 9, 9)], [False]) for image_id in ("x/a b", "gone", "c"))
    result = report.evaluate(make_detections([]), truth, NAMES, 0.5, {})
    images = dict.fromkeys((0, 2), np.zeros((9, 9, 3), np.uint8))
    written = pictures.write_pictures(tmp_path, [2, 1, 0], images, result.detections, truth, result.analysis, NAMES)
    assert [(path.name, caption) for path, caption in written] == [
        ("01_c.png", "c: 1 error"), ("02_x_a_b.png", "x/a b: 1 error")]
    assert all(path.parent == tmp_path and path.is_file() for path, _ in written)
