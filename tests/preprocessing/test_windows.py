"""Zoom-out and crops: geometry by hand and naive loops."""
from dataclasses import replace

import numpy as np
import pytest

from preprocessing.windows import WHOLE, DistortedCrop, PatchCrop, compose, zoom_out_window
from tests.naive import naive_iou
from tests.preprocessing.running import draw, run

SIZE = np.array([100, 200], np.int32)
OBJECTS = np.array([[0.1, 0.1, 0.3, 0.4], [0.5, 0.6, 0.95, 0.9], [0.2, 0.7, 0.25, 0.72]], np.float32)
NOTHING = np.zeros((0, 4), np.float32)


def naive_cover(window, box):
    height = max(min(window[2], box[2]) - max(window[0], box[0]), 0.0)
    width = max(min(window[3], box[3]) - max(window[1], box[1]), 0.0)
    return height * width / ((box[2] - box[0]) * (box[3] - box[1]))


def holds_centre(window, box):
    cy, cx = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return window[0] < cy < window[2] and window[1] < cx < window[3]


def test_zoom_out_holds_the_picture_and_comes_as_often_as_asked():
    drawn = np.array(draw(lambda: zoom_out_window(0.5, 4.0), times=600))
    zoomed = drawn[~(drawn == WHOLE).all(1)]
    assert 0.42 < len(zoomed) / 600 < 0.58
    assert (zoomed[:, :2] <= 0).all() and (zoomed[:, 2:] >= 1 - 1e-5).all()
    height, width = zoomed[:, 2] - zoomed[:, 0], zoomed[:, 3] - zoomed[:, 1]
    np.testing.assert_allclose(height, width, rtol=1e-4)
    assert 1 <= height.min() < 1.1 and 3.9 < height.max() <= 4.001
    # The picture's place in the window: anywhere from one border to the other.
    share = -zoomed[:, :2] / (height[:, None] - 1 + 1e-9)
    assert share.min() < 0.05 and share.max() > 0.95 and abs(share.mean() - 0.5) < 0.05


@pytest.mark.parametrize("probability, ratio", [(0.0, 4.0), (1.0, 1.0)])
def test_no_zoom_out_is_the_whole_picture(probability, ratio):
    drawn = draw(lambda: zoom_out_window(probability, ratio), times=5)
    np.testing.assert_array_equal(drawn, [WHOLE] * 5)


def test_windows_compose_by_hand():
    outer, inner = np.float32([-1, 0, 1, 4]), np.float32([0.5, 0.25, 1, 0.5])
    np.testing.assert_allclose(run(compose, outer, inner), [0, 1, 1, 2])
    np.testing.assert_array_equal(run(compose, outer, np.float32(WHOLE)), outer)


def test_patches_have_the_papers_sizes():
    drawn = np.concatenate(draw(PatchCrop().draw_patches, times=20))
    height, width = drawn[:, 2] - drawn[:, 0], drawn[:, 3] - drawn[:, 1]
    assert (drawn >= 0).all() and (drawn <= 1.00001).all()
    scale, aspect = np.sqrt(height * width), width / height
    assert 0.2999 < scale.min() < 0.32 and 0.97 < scale.max() <= 1.0001
    assert 0.4999 < aspect.min() < 0.52 and 1.9 < aspect.max() < 2.001
    assert drawn[:, :2].min() < 0.02 and drawn[:, 2:].max() > 0.98


def test_which_patches_fit_is_the_naive_loops_answer():
    crop = PatchCrop()
    patches = np.concatenate(draw(crop.draw_patches, times=4))
    fits = run(crop.fitting, patches, OBJECTS)
    expected = np.zeros((len(crop.min_ious), len(patches)), bool)
    for kind, least in enumerate(crop.min_ious):
        for trial, patch in enumerate(patches):
            expected[kind, trial] = (max(naive_iou(patch, box) for box in OBJECTS) >= least
                                     and any(holds_centre(patch, box) for box in OBJECTS))
    np.testing.assert_array_equal(fits, expected)
    assert expected[0].any() and expected[5].any() and not expected[5].all()


def test_without_objects_only_unconstrained_patches_fit():
    crop = PatchCrop()
    fits = run(crop.fitting, np.float32([[0, 0, 1, 1], [0.5, 0.5, 0.9, 0.9]]), NOTHING)
    np.testing.assert_array_equal(fits, [[False, False]] * 5 + [[True, True]])


def test_each_kind_that_fits_is_drawn_equally_often():
    # One object that fills the picture: patches of IoU >= .9 are hard to hit in 50 trials, the others are not.
    crop = PatchCrop(min_ious=(0.3, 0.0))
    drawn = np.array(draw(lambda b: crop.sample(b, SIZE), np.float32([[0, 0, 1, 1]]), times=600))
    whole = (drawn == WHOLE).all(1).mean()
    assert 0.27 < whole < 0.40
    # The third that asks for IoU .3 has area >= .3 always; the unconstrained third goes down to .3 * .3.
    area = (drawn[:, 2] - drawn[:, 0]) * (drawn[:, 3] - drawn[:, 1])
    assert 0.05 < (area < 0.3).mean() < 0.22


def test_only_the_constrained_kind_then_the_patch_holds_it():
    crop = PatchCrop(min_ious=(0.5,), scale=(0.3, 0.9))
    objects = np.float32([[0.2, 0.2, 0.8, 0.7]])
    drawn = np.array(draw(lambda b: crop.sample(b, SIZE), objects, times=200))
    patches = drawn[~(drawn == WHOLE).all(1)]
    assert 70 < len(patches) < 130
    assert min(naive_iou(p, objects[0]) for p in patches) >= 0.5


@pytest.mark.parametrize("bboxes", [NOTHING, np.float32([[0.5, 0.5, 0.5, 0.5]]), np.float32([[0, 0, 0, 1]])])
@pytest.mark.parametrize("crop", [PatchCrop(), DistortedCrop()])
def test_crops_of_pictures_without_proper_objects(crop, bboxes):
    drawn = np.array(draw(lambda b: crop.sample(b, SIZE), bboxes, times=20))
    assert np.isfinite(drawn).all() and (drawn >= 0).all() and (drawn <= 1.0001).all()
    assert ((drawn[:, 2:] - drawn[:, :2]) > 0).all()


def test_the_documented_crop_covers_an_object_at_the_documented_sizes():
    drawn = np.array(draw(lambda b: DistortedCrop().sample(b, SIZE), OBJECTS, times=200))
    height, width = drawn[:, 2] - drawn[:, 0], drawn[:, 3] - drawn[:, 1]
    proper = drawn[(height < 1) | (width < 1)]
    assert len(proper) > 150
    pixels = proper * [100, 200, 100, 200]
    np.testing.assert_allclose(pixels, pixels.round(), atol=1e-3)
    aspect = (width * 200 / (height * 100))[(height < 1) | (width < 1)]
    assert aspect.min() > 0.55 and aspect.max() < 1.75
    assert ((height * width) > 0.09).all()
    for window in proper:
        assert max(naive_cover(window, box) for box in OBJECTS) >= 0.2


def test_crops_follow_the_graph_level_seed():
    for crop in (PatchCrop(), DistortedCrop()):
        first, again, other = (np.array(draw(lambda b, c=crop: c.sample(b, SIZE), OBJECTS, times=5, seed=seed))
                               for seed in (3, 3, 4))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


def test_rules_of_what_stays():
    labels = np.int64([1, 2, 3, 4])
    # In a window's frame: inside; half out; centre in but 60 % out in area; centre out.
    boxes = np.float32([[0.1, 0.1, 0.2, 0.2], [-0.1, 0, 0.1, 0.1], [-0.3, -0.3, 0.4, 0.4], [0.9, 0.9, 1.2, 1.2]])
    np.testing.assert_array_equal(run(PatchCrop().keep, labels, boxes)[0], [1, 3])
    np.testing.assert_array_equal(run(DistortedCrop(min_overlap=0.45).keep, labels, boxes)[0], [1, 2])
    np.testing.assert_array_equal(run(replace(DistortedCrop(), min_overlap=0.1).keep, labels, boxes)[0], [1, 2, 3, 4])


def test_a_kind_that_no_patch_is_of_is_never_drawn():
    tiny = np.float32([[0.5, 0.5, 0.52, 0.52]])
    drawn = draw(lambda b: PatchCrop(min_ious=(0.9,)).sample(b, SIZE), tiny, times=20)
    np.testing.assert_array_equal(drawn, [WHOLE] * 20)
