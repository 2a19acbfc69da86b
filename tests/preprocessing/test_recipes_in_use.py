"""What a recipe says comes to pass: as often, as far, and each piece told what the one before it did."""
from dataclasses import replace

import numpy as np

from preprocessing.augmentation import NONE
from preprocessing.tf_image import VGG_MEANS
from tests.preprocessing.running import sample


def test_zoom_out_fills_with_the_mean_colour():
    zoomed = replace(NONE, zoom_out=1.0, zoom_out_max=4.0)
    for out, _, bboxes in sample(np.full((50, 50, 3), 255, np.uint8), [[0, 0, 1, 1]], zoomed):
        white = (out == 255 - np.float32(VGG_MEANS)).all(-1)
        assert ((out == 0).all(-1) | white).all()
        ys, xs = np.nonzero(white)
        found = np.array([ys.min() / 60, xs.min() / 80, (ys.max() + 1) / 60, (xs.max() + 1) / 80])
        np.testing.assert_allclose(bboxes[0], found, atol=1e-5)


class CropToTheFirstObject:
    def sample(self, bboxes, _size):
        return bboxes[0]

    def keep(self, labels, bboxes):
        return labels, bboxes


def test_a_crop_is_told_where_the_zoom_out_put_the_objects():
    recipe = replace(NONE, zoom_out=1.0, crop=CropToTheFirstObject())
    for _, _, bboxes in sample(np.zeros((200, 300, 3), np.uint8), [[0.25, 0.5, 0.75, 1]], recipe):
        np.testing.assert_allclose(bboxes, [[0, 0, 1, 1]], atol=0.02)


def test_every_interpolation_of_a_recipe_is_drawn():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = 255
    drawn = sample(image, [], replace(NONE, interpolation=("nearest", "bilinear")), times=60, out=(8, 8))
    assert 15 < sum(len(np.unique(out[..., 0])) == 2 for out, _, _ in drawn) < 45


def test_the_zoom_out_comes_as_often_and_goes_as_far_as_the_recipe_says():
    recipe = replace(NONE, zoom_out=0.5, zoom_out_max=2.0)
    drawn = sample(np.zeros((50, 50, 3), np.uint8), [[0, 0, 1, 1]], recipe, times=100)
    sides = np.array([bboxes[0, 2] - bboxes[0, 0] for _, _, bboxes in drawn])
    assert 30 < (sides < 1).sum() < 70
    assert 0.48 < sides.min() < 0.56
