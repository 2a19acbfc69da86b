"""Colours: against TensorFlow's kernels, Python's colorsys, and the arithmetic by hand."""
import colorsys
from dataclasses import replace

import numpy as np
import pytest

from preprocessing import colours
from tests.preprocessing.running import draw, run
from tf_extended.compat import tf

RANDOM = np.random.RandomState(0).randint(0, 256, (12, 15, 3)).astype(np.float32)
SPECIAL = np.array([[
    [0, 0, 0], [255, 255, 255], [128, 128, 128], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255],
    [255, 0, 255], [1, 0, 0], [254, 255, 255], [10, 20, 10], [20, 10, 20],
]], np.float32)


def turned(image, degrees=0.0, factor=None):
    """Hue and saturation of a picture [H, W, 3] changed, its planes one operation after the other."""
    return run(lambda x: tf.stack(colours.turn_hsv(tf.unstack(x, num=3, axis=-1), degrees, factor), axis=-1), image)


def ordered(image, order, amounts, photometric):
    """The steps of one order, compiled, on a picture [H, W, 3]; there is room for more pixels than it has."""
    def build(x):
        pixels, *linear = colours.apply_order(
            colours.pad_pixels(x, 400), order, amounts, photometric, tf.shape(x))
        whitened = colours.linear_then_whiten(pixels, *linear, photometric.clip_each, tf.zeros([3]))
        return colours.in_shape(whitened, tf.shape(x))
    return run(build, image)


@pytest.mark.parametrize("image", [RANDOM, SPECIAL])
@pytest.mark.parametrize("degrees", [-72.0, -18.0, 0.0, 5.0, 60.0, 180.0, 350.0])
def test_hue_is_tensorflows(image, degrees):
    ours = turned(image, degrees)
    theirs = run(lambda x: tf.image.adjust_hue(x / 255.0, degrees / 360.0) * 255.0, image)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("image", [RANDOM, SPECIAL])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5, 9.0])
def test_saturation_is_tensorflows(image, factor):
    ours = turned(image, factor=factor)
    theirs = run(lambda x: tf.image.adjust_saturation(x / 255.0, factor) * 255.0, image)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_out_of_range_colours_go_through_as_in_tensorflow():
    image = RANDOM * 1.6 - 80
    hue = turned(image, 40.0)
    np.testing.assert_allclose(hue, run(lambda x: tf.image.adjust_hue(x, 40 / 360), image), atol=0.05)
    saturated = turned(image, factor=0.7)
    assert np.isfinite(saturated).all()
    positive = image.max(-1) > 0
    theirs = run(lambda x: tf.image.adjust_saturation(x, 0.7), image)
    proper = positive & (image.min(-1) >= 0)
    np.testing.assert_allclose(saturated[proper], theirs[proper], atol=0.05)


def test_both_in_one_pass_are_colorsys():
    ours = turned(SPECIAL, 30.0, 0.5)
    for given, got in zip(SPECIAL[0], ours[0], strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(given / 255))
        expected = np.array(colorsys.hsv_to_rgb((h + 30 / 360) % 1, s * 0.5, v)) * 255
        np.testing.assert_allclose(got, expected, atol=0.02)


def test_both_at_once_equal_the_two_one_after_the_other_in_either_order():
    both = turned(RANDOM, -50.0, 1.4)
    np.testing.assert_allclose(turned(turned(RANDOM, -50.0), factor=1.4), both, atol=0.02)
    np.testing.assert_allclose(turned(turned(RANDOM, factor=1.4), -50.0), both, atol=0.02)


def test_compiled_or_one_operation_after_the_other_it_is_the_same_picture():
    amounts = {"hue": 33.0, "saturation": 1.3}
    for image in (RANDOM, SPECIAL):
        np.testing.assert_allclose(
            ordered(image, ("saturation+hue",), amounts, colours.PAPER_COLOURS),
            np.clip(turned(image, 33.0, 1.3), 0, 255), atol=1e-3)


def test_brightness_and_contrast_by_hand():
    amounts = {"brightness": -20.5, "contrast": 1.25}
    never_clipped = RANDOM * 0.5 + 60
    for order, expected in [(("brightness",), never_clipped - 20.5), (("contrast",), never_clipped * 1.25),
                            (("brightness+contrast",), (never_clipped - 20.5) * 1.25)]:
        ours = ordered(never_clipped, order, amounts, colours.PAPER_COLOURS)
        np.testing.assert_allclose(ours, expected, atol=1e-3)
    about_mean = ordered(RANDOM, ("contrast",), {"contrast": 0.5}, colours.SLIM_COLOURS)
    np.testing.assert_allclose(about_mean, run(lambda x: tf.image.adjust_contrast(x, 0.5), RANDOM), atol=1e-3)


# The documented orders, spelled out with TensorFlow's own kernels: the colour steps of slim's Inception preprocessing.
DOCUMENTED_ORDERS = [
    ["brightness", "saturation", "hue", "contrast"], ["saturation", "brightness", "contrast", "hue"],
    ["contrast", "hue", "brightness", "saturation"], ["hue", "saturation", "contrast", "brightness"],
]


@pytest.mark.parametrize("index", range(4))
def test_the_documented_orders_with_tensorflows_kernels(index):
    amounts = {"brightness": 9.0, "contrast": 0.8, "saturation": 0.9, "hue": 33.0}
    image = RANDOM * 0.7 + 30
    kernels = {
        "brightness": lambda x: tf.image.adjust_brightness(x, 9.0 / 255),
        "contrast": lambda x: tf.image.adjust_contrast(x, 0.8),
        "saturation": lambda x: tf.image.adjust_saturation(x, 0.9),
        "hue": lambda x: tf.image.adjust_hue(x, 33.0 / 360),
    }

    def theirs(x):
        x = x / 255.0
        for step in DOCUMENTED_ORDERS[index]:
            x = kernels[step](x)
        return tf.clip_by_value(x, 0.0, 1.0) * 255.0

    order = colours.SLIM_COLOURS.orders[index]
    ours = ordered(image, order, amounts, colours.SLIM_COLOURS)
    np.testing.assert_allclose(ours, run(theirs, image), atol=0.05)


def test_the_papers_steps_clip_as_8_bit_pictures_do():
    amounts = {"brightness": 32.0, "contrast": 1.5, "saturation": 1.0, "hue": 0.0}
    ours = ordered(RANDOM, ("brightness+contrast",), amounts, colours.PAPER_COLOURS)
    np.testing.assert_allclose(ours, np.minimum(np.minimum(RANDOM + 32, 255) * 1.5, 255), atol=1e-3)


def test_amounts_stay_in_their_ranges_and_come_as_often_as_asked():
    drawn = draw(lambda: colours.draw_amounts(colours.PAPER_COLOURS), times=600)
    for name, neutral, low, high in [
            ("brightness", 0, -32, 32), ("contrast", 1, 0.5, 1.5), ("saturation", 1, 0.5, 1.5), ("hue", 0, -18, 18)]:
        values = np.array([d[name] for d in drawn])
        changed = values[values != neutral]
        assert 0.42 < len(changed) / 600 < 0.58
        assert low <= changed.min() < low + 0.05 * (high - low) and high - 0.05 * (high - low) < changed.max() <= high
    changes = np.array([[d["brightness"] != 0, d["hue"] != 0] for d in drawn])
    assert abs(np.corrcoef(changes.T)[0, 1]) < 0.12


def test_slim_always_changes_everything():
    drawn = draw(lambda: colours.draw_amounts(colours.SLIM_COLOURS), times=50)
    assert all(d["brightness"] != 0 and d["contrast"] != 1 and d["hue"] != 0 for d in drawn)


@pytest.mark.parametrize("photometric", [colours.SLIM_COLOURS, colours.PAPER_COLOURS])
def test_distorted_pictures_stay_in_range_and_differ(photometric):
    drawn = draw(lambda x: colours.distort(x, photometric, 200), RANDOM, times=30)
    assert all(np.isfinite(d).all() and d.min() >= 0 and d.max() <= 255.01 and d.shape == RANDOM.shape for d in drawn)
    assert len({d.tobytes() for d in drawn}) > 20


def test_every_order_is_drawn():
    def build(x):
        return colours.distort(x, photometric, 1)

    # Two "orders" that can be told apart: contrast doubled, or nothing.
    photometric = replace(
        colours.PAPER_COLOURS, probability=1.0, brightness=0.0, contrast=(2.0, 2.0), saturation=(1.0, 1.0), hue=0.0,
        orders=(("contrast",), ()))
    results = [d.max() for d in draw(build, np.full((1, 1, 3), 50, np.float32), times=60)]
    assert {round(float(r)) for r in results} == {50, 100}
    assert 15 < results.count(max(results)) < 45


@pytest.mark.parametrize("photometric", [None, replace(colours.PAPER_COLOURS, probability=0.0)])
def test_without_changes_only_the_means_are_taken_off(photometric):
    result, = draw(lambda x: colours.distort(x, photometric, 180, (123.0, 117.0, 104.0)), RANDOM, times=1)
    np.testing.assert_allclose(result, RANDOM - [123, 117, 104], atol=0.01)


def test_brightness_and_contrast_about_the_mean_in_one_step():
    ours = ordered(RANDOM, ("brightness+contrast",), {"brightness": 20.0, "contrast": 1.3}, colours.SLIM_COLOURS)
    mean = RANDOM.mean((0, 1))
    np.testing.assert_allclose(ours, np.clip((RANDOM - mean) * 1.3 + mean + 20, 0, 255), atol=2e-3)


def test_the_papers_second_order_by_hand():
    """Contrast after saturation: grey pixels have none, so that what is left is brightness, clipping, contrast."""
    grey = np.repeat(RANDOM[..., :1], 3, axis=-1)
    amounts = {"brightness": 30.0, "contrast": 0.5, "saturation": 1.5, "hue": 10.0}
    ours = ordered(grey, colours.PAPER_COLOURS.orders[1], amounts, colours.PAPER_COLOURS)
    np.testing.assert_allclose(ours, np.minimum(grey + 30, 255) * 0.5, atol=1e-3)


def test_a_picture_is_filled_up_and_taken_out_again():
    def build(x):
        pixels = colours.pad_pixels(x, 200)
        return pixels, colours.in_shape(pixels, tf.shape(x)), colours.pad_pixels(tf.ensure_shape(x, [12, 15, 3]), 180)
    pixels, image, as_they_are = run(build, RANDOM)
    np.testing.assert_array_equal(pixels, np.concatenate([RANDOM.reshape(-1, 3), np.zeros((20, 3))]))
    np.testing.assert_array_equal(image, RANDOM)
    np.testing.assert_array_equal(as_they_are, RANDOM.reshape(-1, 3))
