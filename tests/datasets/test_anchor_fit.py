import numpy as np
import pytest

from datasets.anchor_charts import save_charts
from datasets.anchor_fit import AnchorLayer, fit_anchors, fit_statistics, fit_table, match_picture
from tests.naive import naive_iou

# Two layers: four quarters of the picture, and the whole of it.
QUARTERS = np.array([[0, 0, .5, .5], [0, .5, .5, 1], [.5, 0, 1, .5], [.5, .5, 1, 1]])
LAYERS = [AnchorLayer("fine", QUARTERS, (150, 300), (1.0,)),
          AnchorLayer("coarse", np.array([[0, 0, 1, 1.0]]), (300, 300), (1.0,))]


def naive(bboxes, corners, threshold):
    """Owners by plain loops."""
    owners = []
    for anchor in corners:
        overlaps = [naive_iou(box, anchor) for box in bboxes]
        owners.append(int(np.argmax(overlaps)) if max(overlaps) > threshold else -1)
    return owners


def test_matches_by_hand():
    bboxes = np.array([[0, 0, .5, .4], [0, 0, 1, .9], [.6, .6, .65, .65]])
    matches = match_picture(bboxes, LAYERS, 0.5)
    np.testing.assert_allclose(matches.best_iou, [.8, .9, .0025 / .25], rtol=1e-5)
    assert matches.best_layer.tolist() == [0, 1, 0]
    assert matches.owners.tolist() == [0, -1, -1, -1, 1]


def test_an_overlap_of_just_the_threshold_is_no_match():
    assert match_picture(np.array([[0, 0, .5, .25]]), LAYERS, 0.5).owners.tolist() == [-1] * 5


def test_owners_are_those_of_a_naive_loop():
    rng = np.random.default_rng(5)
    for count in (1, 2, 7):
        low, high = np.sort(rng.random((2, count, 2)), axis=0)
        bboxes = np.concatenate([low, high + .01], axis=1)
        low, high = np.sort(rng.random((2, 60, 2)), axis=0)
        corners = np.concatenate([low, high + .01], axis=1)
        owners = match_picture(bboxes, [AnchorLayer("x", corners, (1, 2), ())], 0.3).owners
        assert owners.tolist() == naive(bboxes, corners, 0.3)


def test_statistics_by_hand():
    pictures = [np.array([[0, 0, .5, .4], [0, 0, 1, .9]]), np.zeros((0, 4)), np.array([[.6, .6, .65, .65]])]
    fit = fit_anchors(pictures, LAYERS, 0.5)
    assert fit.matched.tolist() == [True, True, False]
    statistics = fit_statistics(fit, LAYERS)
    assert (statistics["pictures"], statistics["without_objects"]) == (3, 1)
    assert (statistics["objects"], statistics["matched_by_none"]) == (3, 1)
    assert statistics["mean_best_iou"] == pytest.approx((.8 + .9 + .01) / 3)
    fine, coarse = statistics["layers"]
    assert (fine["objects_matched"], fine["anchors_matched"], fine["best_anchor_here"]) == (1, 1, 2)
    assert (coarse["objects_matched"], coarse["anchors_matched"], coarse["best_anchor_here"]) == (1, 1, 1)
    table = fit_table({"now": statistics, "later": statistics})
    assert "1 of 3 (33.3 %)" in table and table.splitlines()[2].split()[:3] == ["fine", "4", "150–300"]


def test_an_object_with_two_anchors_of_a_layer_is_one_object():
    """The first two anchors nearly coincide, by 49 of 51 parts; the second object is tiny."""
    layers = [AnchorLayer("fine", np.array([[0, 0, .5, .5], [0, .01, .5, .51], [.5, .5, 1, 1.0]]), (150, 300), (1.0,))]
    statistics = fit_statistics(fit_anchors([np.array([[0, 0, .5, .5], [.9, .9, .91, .91]]), np.zeros((0, 4))],
                                            layers, 0.5), layers)
    layer = statistics["layers"][0]
    assert (layer["objects_matched"], layer["anchors_matched"], layer["best_anchor_here"]) == (1, 2, 2)
    row, by_none, without, mean = (line.split() for line in fit_table({"now": statistics}).splitlines()[2:])
    assert row == ["fine", "3", "150–300", "1", "2", "2"]
    assert by_none[-5:] == without[-5:] == ["1", "of", "2", "(50.0", "%)"]
    assert mean[-1] == "0.50"  # 1 and .0004


@pytest.mark.parametrize("pictures", [[], [np.zeros((0, 4))]])
def test_a_set_without_objects(pictures, tmp_path):
    fit = fit_anchors(pictures, LAYERS, 0.5)
    statistics = fit_statistics(fit, LAYERS)
    assert statistics["pictures"] == statistics["without_objects"] == len(pictures)
    assert statistics["objects"] == 0 and statistics["mean_best_iou"] is None
    by_none, without = fit_table({"": statistics}).splitlines()[-3:-1]
    assert "0 of 0 (" in by_none and f"{statistics['pictures']} of {statistics['pictures']} (" in without
    assert save_charts(tmp_path / "x.png", fit, LAYERS, 300, 0.5, "nothing").stat().st_size > 5000


def test_charts_are_drawn(tmp_path):
    fit = fit_anchors([np.array([[0, 0, .5, .4], [.6, .6, .65, .65]])], LAYERS, 0.5)
    path = save_charts(tmp_path / "anchors.png", fit, LAYERS, 512, 0.5, "two objects")
    assert path.read_bytes()[:4] == b"\x89PNG"
