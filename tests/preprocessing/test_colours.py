"""Colours: against TensorFlow's kernels, Python's colorsys, and the arithmetic by hand."""
import colorsys
import itertools
from dataclasses import replace

import numpy as np
import pytest

from preprocessing import colours
from preprocessing.tf_image import from_planes, to_planes
from tests.preprocessing.running import draw, run
from tf_extended.compat import tf

RANDOM = np.random.RandomState(0).randint(0, 256, (12, 15, 3)).astype(np.float32)
SPECIAL = np.array([[
    [0, 0, 0], [255, 255, 255], [128, 128, 128], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255],
    [255, 0, 255], [1, 0, 0], [254, 255, 255], [10, 20, 10], [20, 10, 20],
]], np.float32)


def on_image(function, image, *more):
    """`function` of planes, applied to a picture [H, W, 3]."""
    return run(lambda x, *rest: from_planes(function(to_planes(x), *rest)), image, *(np.float32(m) for m in more))


@pytest.mark.parametrize("image", [RANDOM, SPECIAL])
@pytest.mark.parametrize("degrees", [-72.0, -18.0, 0.0, 5.0, 60.0, 180.0, 350.0])
def test_hue_is_tensorflows(image, degrees):
    ours = on_image(lambda planes, h: colours.turn_hsv(planes, hue=h), image, degrees)
    theirs = run(lambda x: tf.image.adjust_hue(x / 255.0, degrees / 360.0) * 255.0, image)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("image", [RANDOM, SPECIAL])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5, 9.0])
def test_saturation_is_tensorflows(image, factor):
    ours = on_image(lambda planes, s: colours.turn_hsv(planes, saturation=s), image, factor)
    theirs = run(lambda x: tf.image.adjust_saturation(x / 255.0, factor) * 255.0, image)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_out_of_range_colours_go_through_as_in_tensorflow():
    image = RANDOM * 1.6 - 80
    hue = on_image(lambda planes, h: colours.turn_hsv(planes, hue=h), image, 40.0)
    np.testing.assert_allclose(hue, run(lambda x: tf.image.adjust_hue(x, 40 / 360), image), atol=0.05)
    saturated = on_image(lambda planes, s: colours.turn_hsv(planes, saturation=s), image, 0.7)
    assert np.isfinite(saturated).all()
    positive = image.max(-1) > 0
    theirs = run(lambda x: tf.image.adjust_saturation(x, 0.7), image)
    proper = positive & (image.min(-1) >= 0)
    np.testing.assert_allclose(saturated[proper], theirs[proper], atol=0.05)


def test_both_in_one_pass_are_colorsys():
    ours = on_image(lambda planes, h, s: colours.turn_hsv(planes, hue=h, saturation=s), SPECIAL, 30.0, 0.5)
    for given, got in zip(SPECIAL[0], ours[0], strict=True):
        h, s, v = colorsys.rgb_to_hsv(*(given / 255))
        expected = np.array(colorsys.hsv_to_rgb((h + 30 / 360) % 1, s * 0.5, v)) * 255
        np.testing.assert_allclose(got, expected, atol=0.02)


def test_one_pass_equals_the_two_one_after_the_other_in_either_order():
    both = on_image(lambda p, h, s: colours.turn_hsv(p, hue=h, saturation=s), RANDOM, -50.0, 1.4)
    for first, second in [("hue", "saturation"), ("saturation", "hue")]:
        def one_by_one(planes, h, s, first=first, second=second):
            amounts = {"hue": h, "saturation": s}
            return colours.turn_hsv(colours.turn_hsv(planes, **{first: amounts[first]}), **{second: amounts[second]})
        np.testing.assert_allclose(on_image(one_by_one, RANDOM, -50.0, 1.4), both, atol=0.02)


def test_brightness_and_contrast_by_hand():
    np.testing.assert_allclose(on_image(colours.shift_brightness, RANDOM, -20.5), RANDOM - 20.5, atol=1e-3)
    black = on_image(lambda p, f: colours.scale_contrast(p, f, "black"), RANDOM, 1.25)
    np.testing.assert_allclose(black, RANDOM * 1.25, atol=1e-3)
    mean = on_image(lambda p, f: colours.scale_contrast(p, f, "mean"), RANDOM, 0.5)
    np.testing.assert_allclose(mean, run(lambda x: tf.image.adjust_contrast(x, 0.5), RANDOM), atol=1e-3)


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
    ours = on_image(lambda planes: colours.apply_order(planes, order, amounts, colours.SLIM_COLOURS), image)
    np.testing.assert_allclose(ours, run(theirs, image), atol=0.05)


def test_the_papers_steps_clip_as_8_bit_pictures_do():
    amounts = {"brightness": 32.0, "contrast": 1.5, "saturation": 1.0, "hue": 0.0}
    ours = on_image(
        lambda p: colours.apply_order(p, ("brightness", "contrast"), amounts, colours.PAPER_COLOURS), RANDOM)
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
    drawn = draw(lambda x: from_planes(colours.distort(to_planes(x), photometric)), RANDOM, times=30)
    assert all(np.isfinite(d).all() and d.min() >= 0 and d.max() <= 255.01 and d.shape == RANDOM.shape for d in drawn)
    assert len({d.tobytes() for d in drawn}) > 20


def test_every_order_is_drawn():
    def build(x):
        return from_planes(colours.distort(to_planes(x), photometric))

    # Two "orders" that can be told apart: contrast doubled, or nothing.
    photometric = replace(
        colours.PAPER_COLOURS, probability=1.0, brightness=0.0, contrast=(2.0, 2.0), saturation=(1.0, 1.0), hue=0.0,
        orders=(("contrast",), ()))
    results = [d.max() for d in draw(build, np.full((1, 1, 3), 50, np.float32), times=60)]
    assert {round(float(r)) for r in results} == {50, 100}
    assert 15 < results.count(max(results)) < 45


def test_probability_zero_changes_nothing():
    none = replace(colours.PAPER_COLOURS, probability=0.0)
    result, = draw(lambda x: from_planes(colours.distort(to_planes(x), none)), RANDOM, times=1)
    np.testing.assert_allclose(result, RANDOM, atol=0.01)


def test_a_change_that_was_not_drawn_leaves_the_others_to_be_made():
    steps = ("brightness", "contrast", "saturation+hue")
    drawn = {"brightness": -7.0, "contrast": 0.8, "saturation": 0.6, "hue": -15.0}
    neutral = {"brightness": 0.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    always = replace(colours.PAPER_COLOURS, probability=1.0)
    for made in itertools.product([False, True], repeat=4):
        amounts = {name: np.float32((drawn if m else neutral)[name]) for name, m in zip(drawn, made, strict=True)}
        branched, straight = (
            run(lambda x, p=p, a=amounts: from_planes(colours.apply_order(to_planes(x), steps, a, p)), RANDOM)
            for p in (colours.PAPER_COLOURS, always))
        np.testing.assert_allclose(branched, straight, atol=2e-3)
        assert any(made) or np.array_equal(branched, RANDOM)


@pytest.mark.parametrize("order", [("brightness", "contrast"), ("contrast", "brightness")])
def test_contrast_about_the_mean_and_brightness_commute_in_one_pass(order):
    amounts = {"brightness": 20.0, "contrast": 1.3}
    for steps in (order, ("contrast+brightness",)):
        ours = on_image(lambda p, s=steps: colours.apply_order(p, s, amounts, colours.SLIM_COLOURS), RANDOM)
        mean = RANDOM.mean((0, 1))
        np.testing.assert_allclose(ours, np.clip((RANDOM - mean) * 1.3 + mean + 20, 0, 255), atol=2e-3)


def test_contrast_about_black_with_brightness_is_contrast_first():
    ours = on_image(lambda p, f, d: colours.scale_contrast(p, f, "black", d), RANDOM, 0.5, 10.0)
    np.testing.assert_allclose(ours, RANDOM * 0.5 + 10, atol=1e-3)
