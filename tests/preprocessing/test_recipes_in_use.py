"""What a recipe says comes to pass: as often, as far, and each piece told what the one before it did."""
from dataclasses import replace

import cv2
import numpy as np
import pytest

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


class LeftHalf(CropToTheFirstObject):
    """A crop that leaves a picture of another shape."""

    def sample(self, _bboxes, _size):
        return np.float32([0, 0, 1, 0.5])


@pytest.mark.parametrize("recipe", [
    NONE, replace(NONE, crop=LeftHalf()), replace(NONE, zoom_out=1.0, zoom_out_max=2.0)], ids=["whole", "crop", "zoom"])
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_turned_objects_are_where_their_pixels_are(recipe, data_format):
    """A disc near the middle of what is shown, in a picture twice as wide as high, and one that is turned out of it."""
    image = np.zeros((200, 400, 3), np.uint8)
    middle = 105 if recipe.crop else 205
    cv2.circle(image, (middle, 120), 40, (255, 255, 255), -1)
    boxes = [[0.4, (middle - 40) / 400, 0.8, (middle + 40) / 400], [0, 0, 0.02, 0.01]]
    recipe = replace(recipe, rotation=1.0, interpolation=("area",))
    seen, corners = [], 0
    for out, labels, bboxes in sample(image, boxes, recipe, times=30, out=(90, 90), data_format=data_format):
        seen.append(bboxes[0])
        corners += len(labels) == 2
        assert labels.tolist() in ([1], [1, 2])
        red = out[..., 0] if data_format == "NHWC" else out[0]
        ys, xs = np.nonzero(red > 127 - VGG_MEANS[0])
        pixels = np.array([ys.min(), xs.min(), ys.max() + 1, xs.max() + 1]) / 90
        np.testing.assert_allclose(bboxes[0], pixels, atol=0.015)
    # Pictures are wider or narrower than high, so most turns lose the corner's object.
    assert corners < 25
    assert np.std([box[0] + box[2] for box in seen]) > 0.02


def test_pictures_are_turned_as_often_as_the_recipe_says_and_any_way():
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, 50:] = 255
    drawn = sample(image, [[0.2, 0.7, 0.4, 0.9]], replace(NONE, rotation=0.5), times=200, out=(100, 100))
    centres = np.array([[boxes[0, 0] + boxes[0, 2], boxes[0, 1] + boxes[0, 3]] for _, _, boxes in drawn]) - 1
    still = np.abs(centres - [-0.4, 0.6]).max(1) < 1e-5
    assert 70 < still.sum() < 130
    angles = np.degrees(np.arctan2(*centres[~still].T)) % 360
    assert min(np.histogram(angles, 4, (0, 360))[0]) > 10
