"""Pixels with their boxes: expected values by OpenCV, by NumPy slices, or by hand."""
import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tf_extended as tfe
from preprocessing import tf_image
from tests.preprocessing.running import run
from tf_extended.compat import tf

IMAGE = np.random.RandomState(0).randint(0, 256, (40, 60, 3)).astype(np.uint8)
SMOOTH = cv2.GaussianBlur(np.random.RandomState(1).randint(0, 256, (90, 120, 3)).astype(np.uint8), (0, 0), 3)


@pytest.mark.parametrize("name, flag, tolerance", [
    ("bilinear", cv2.INTER_LINEAR, 1e-3), ("bicubic", cv2.INTER_CUBIC, 2.5), ("lanczos", cv2.INTER_LANCZOS4, 2.5),
    ("nearest", cv2.INTER_NEAREST, 4.0),
])
def test_enlarging_is_opencvs(name, flag, tolerance):
    ours = run(lambda x: tf_image.resize(x, (180, 240), name), SMOOTH)
    theirs = cv2.resize(SMOOTH.astype(np.float32), (240, 180), interpolation=flag)
    assert ours.dtype == np.float32
    # OpenCV's cubic and Lanczos kernels are not TensorFlow's, and its nearest breaks ties another way.
    assert np.abs(ours - theirs).mean() < tolerance / 4
    assert np.abs(ours - theirs)[8:-8, 8:-8].max() < tolerance * 2


def test_shrinking_by_area_is_the_mean_of_each_tile():
    ours = run(lambda x: tf_image.resize(x, (10, 15), "area"), IMAGE)
    np.testing.assert_allclose(ours, IMAGE.reshape(10, 4, 15, 4, 3).mean((1, 3)), atol=1e-3)


def test_the_documented_bilinear_looks_at_the_corner_of_a_pixel():
    ours = run(lambda x: tf_image.resize(x, (20, 30)), IMAGE)
    np.testing.assert_array_equal(ours, IMAGE[::2, ::2])


@pytest.mark.parametrize("name", sorted(tf_image.INTERPOLATIONS.keys() - {"bilinear_slim"}))
def test_the_others_look_at_its_centre_so_that_a_mirrored_picture_becomes_a_mirror_image(name):
    ours, mirrored = (run(lambda x: tf_image.resize(x, (13, 20), name), image)
                      for image in (IMAGE[:39], IMAGE[38::-1, ::-1]))
    np.testing.assert_allclose(mirrored, ours[::-1, ::-1], atol=1e-3)


@pytest.mark.parametrize("name", sorted(tf_image.INTERPOLATIONS))
def test_every_interpolation_keeps_the_range_and_one_pixel(name):
    black_and_white = np.where(IMAGE > 127, 255, 0).astype(np.uint8)
    ours = run(lambda x: tf_image.resize(x, (77, 33), name), black_and_white)
    assert ours.shape == (77, 33, 3) and ours.min() >= 0 and ours.max() <= 255.01
    one = np.array([[[10, 20, 30]]], np.uint8)
    np.testing.assert_allclose(run(lambda x: tf_image.resize(x, (3, 5), name), one), np.tile(one, (3, 5, 1)), atol=1e-3)


@pytest.mark.parametrize("name", sorted(tf_image.INTERPOLATIONS))
@pytest.mark.parametrize("size", [(77, 33), (13, 110)])
def test_decoded_pixels_are_resized_as_their_floats_are(name, size):
    decoded, floats = (run(lambda x: tf_image.resize(x, size, name), image) for image in (IMAGE, np.float32(IMAGE)))
    assert decoded.dtype == floats.dtype == np.float32
    np.testing.assert_allclose(decoded, floats, atol=1e-3)


def test_unknown_interpolation_lists_the_known_ones():
    with pytest.raises(tfe.InputError, match="'cubic'.*bicubic"):
        run(lambda x: tf_image.resize(x, (4, 4), "cubic"), IMAGE)


def test_whitening_by_hand_and_back():
    white = run(tf_image.whiten, IMAGE)
    np.testing.assert_array_equal(white[..., 0], IMAGE[..., 0].astype(np.float32) - 123)
    np.testing.assert_array_equal(white[..., 2], IMAGE[..., 2].astype(np.float32) - 104)
    np.testing.assert_array_equal(tf_image.unwhiten(white), IMAGE)
    np.testing.assert_array_equal(run(tf_image.unwhiten, white), IMAGE)
    planes_first = np.stack([white, white]).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(tf_image.unwhiten(planes_first, "NCHW")[1], IMAGE)


@pytest.mark.parametrize("height, width", [(30, 50), (50, 70), (30, 71), (41, 50), (40, 60), (39, 59)])
def test_crop_or_pad_moves_boxes_with_their_pixels(height, width):
    image = np.zeros((40, 60, 3), np.uint8)
    image[18:22, 25:35] = 255
    box = np.array([[18 / 40, 25 / 60, 22 / 40, 35 / 60], [0, 0, 1, 1]], np.float32)
    out, boxes = run(lambda i, b: tf_image.crop_or_pad(i, b, height, width), image, box)
    ys, xs = np.nonzero(out[..., 0])
    pixels = np.array([ys.min() / height, xs.min() / width, (ys.max() + 1) / height, (xs.max() + 1) / width])
    np.testing.assert_allclose(boxes[0], pixels, atol=1e-6)
    np.testing.assert_allclose((boxes[1, 2:] - boxes[1, :2]) * [height, width], [40, 60], rtol=1e-5)


@pytest.mark.parametrize(("axis", "mirrored", "moved"), [
    (1, np.s_[:, ::-1], [[0.1, 0.4, 0.3, 0.8], [0, 0.75, 1, 1]]),
    (0, np.s_[::-1], [[0.7, 0.2, 0.9, 0.6], [0, 0, 1, 0.25]])])
def test_flips_are_their_own_inverse_and_move_boxes(axis, mirrored, moved):
    def flip(picture, boxes, layout="NHWC"):
        return tf_image.flip(picture, boxes, axis, layout)

    boxes = np.array([[0.1, 0.2, 0.3, 0.6], [0, 0, 1, 0.25]], np.float32)
    image, flipped = run(lambda i, b: flip(i, b), IMAGE, boxes)
    np.testing.assert_array_equal(image, IMAGE[mirrored])
    np.testing.assert_allclose(flipped, moved, atol=1e-6)
    np.testing.assert_allclose(run(flip, image, flipped)[1], boxes, atol=1e-6)
    first, _ = run(lambda i, b: flip(i, b, "NCHW"), IMAGE.transpose(2, 0, 1), boxes)
    np.testing.assert_array_equal(first, IMAGE[mirrored].transpose(2, 0, 1))


def rotated(image, boxes, degrees, aspect):
    return run(lambda i, b, a: tf_image.rotate(tf.ensure_shape(i, image.shape), b, a, aspect),
               image.astype(np.float32), np.float32(boxes), np.float32(np.radians(degrees)))


@pytest.mark.parametrize("degrees", [-60, 30, 137])
@pytest.mark.parametrize(("width", "out"), [(400, (300, 300)), (300, (200, 320)), (200, (300, 300))])
def test_what_is_round_turns_as_opencv_turns_the_picture(degrees, width, out):
    """An ellipse in a picture of 300 rows, turned at its own shape by OpenCV, then both brought to one size."""
    scale, height = 4, 300
    picture = np.zeros((height * scale, width * scale, 3), np.float32)
    (x, y), (half_x, half_y) = (width * 5 // 2, height * 5 // 3), (width * 2 // 5, height // 4)
    cv2.ellipse(picture, (x, y), (half_x, half_y), 0, 0, 360, (255, 255, 255), -1)
    rows, columns = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), -degrees, 1)
    turned = cv2.warpAffine(picture, turn, (columns, rows))
    box = [[(y - half_y) / rows, (x - half_x) / columns, (y + half_y) / rows, (x + half_x) / columns]]

    warped, there = (cv2.resize(each, out[::-1], interpolation=cv2.INTER_AREA) for each in (picture, turned))
    image, boxes = rotated(warped, box, degrees, height / width)
    assert np.abs(image - there).mean() < 0.2
    ys, xs = np.nonzero(turned[..., 0] > 127)
    pixels = [ys.min() / rows, xs.min() / columns, (ys.max() + 1) / rows, (xs.max() + 1) / columns]
    np.testing.assert_allclose(boxes, [pixels], atol=0.004)


@pytest.mark.parametrize(("quarters", "moved"), [
    (1, [[0.2, 0.7, 0.6, 0.9], [0, 0.75, 1, 1]]), (2, [[0.7, 0.4, 0.9, 0.8], [0.75, 0, 1, 1]]),
    (3, [[0.4, 0.1, 0.8, 0.3], [0, 0, 1, 0.25]]), (4, [[0.1, 0.2, 0.3, 0.6], [0, 0, 0.25, 1]])])
def test_quarter_turns_go_clockwise_and_fit_any_object(quarters, moved):
    square = SMOOTH[:80, :80]
    image, boxes = rotated(square, [[0.1, 0.2, 0.3, 0.6], [0, 0, 0.25, 1]], 90 * quarters, 1.0)
    np.testing.assert_allclose(image[1:-1, 1:-1], np.rot90(square, -quarters)[1:-1, 1:-1], atol=0.05)
    np.testing.assert_allclose(boxes, moved, atol=1e-5)


def test_a_picture_without_objects_is_turned_and_its_corners_are_zeros():
    image, boxes = rotated(np.full((50, 50, 3), 9.0), np.zeros((0, 4)), 45, 1.0)
    assert boxes.shape == (0, 4)
    assert not image[[0, 0, -1, -1], [0, -1, 0, -1]].any() and (image[20:30, 20:30] == 9).all()


def shown(image, window, out_shape):
    return run(lambda i, w: tf_image.cut_window(i, w, out_shape), image, np.asarray(window, np.float32))


def test_a_window_inside_is_a_slice_that_fills_the_output():
    visible, place, frame = shown(IMAGE, [0.25, 0.5, 0.75, 1.0], (30, 20))
    np.testing.assert_array_equal(visible, IMAGE[10:30, 30:60])
    np.testing.assert_array_equal(place, [0, 0, 30, 20])
    np.testing.assert_allclose(frame, [0.25, 0.5, 0.75, 1.0], atol=1e-6)


def test_a_window_around_the_picture_places_it():
    # The window is 3 times the picture, which begins 1 side down and 1/2 side right: output pixels 20..40 and 10..30.
    visible, place, frame = shown(IMAGE, [-1, -0.5, 2, 2.5], (60, 60))
    np.testing.assert_array_equal(visible, IMAGE)
    np.testing.assert_array_equal(place, [20, 10, 40, 30])
    np.testing.assert_allclose(frame, [-1, -0.5, 2, 2.5], atol=1e-6)


@pytest.mark.parametrize("window", [
    [1.5, 1.5, 2, 2], [-3, -3, -2, -2], [0.5, 0.5, 0.5, 0.5], [1, 1, 1, 1], [-1e-6, 0, 1 + 1e-6, 1]])
def test_windows_that_show_nothing_show_a_pixel(window):
    visible, place, frame = shown(IMAGE, window, (30, 30))
    assert min(visible.shape) >= 1 and np.isfinite(frame).all()
    assert (place[:2] >= 0).all() and (place[2:] <= 30).all() and (place[2:] > place[:2]).all()


@settings(max_examples=40)
@given(st.tuples(st.floats(-2, 1), st.floats(-2, 1), st.floats(0.05, 4), st.floats(0.05, 4)),
       st.integers(1, 50), st.integers(1, 70))
def test_the_frame_is_where_the_pixels_really_are(corner_and_size, height, width):
    y, x, h, w = corner_and_size
    with tf.Graph().as_default(), tf.Session() as sess:
        image = tf.zeros([height, width, 3], tf.uint8)
        window = tf.constant([y, x, y + h, x + w])
        visible, place, frame = sess.run(tf_image.cut_window(image, window, (32, 24)))
    # Pixel rows first..last of the picture are at place[0]..place[2] of the output, whatever was rounded.
    first = frame[0] + (frame[2] - frame[0]) * place[0] / 32
    last = frame[0] + (frame[2] - frame[0]) * place[2] / 32
    rows = np.array([first, last], np.float64) * height
    np.testing.assert_allclose(rows, rows.round(), atol=2e-3)
    assert round(rows[1] - rows[0]) == visible.shape[0]
    assert rows[0] >= -1e-3 and rows[1] <= height + 1e-3


def test_padding_puts_the_picture_in_its_place():
    image = np.arange(1, 19, dtype=np.float32).reshape(2, 3, 3)
    padded = run(lambda x, at: tf_image.pad_to(x, at, (4, 6)), image, np.array([1, 2, 3, 5], np.int32))
    expected = np.zeros((4, 6, 3), np.float32)
    expected[1:3, 2:5] = image
    np.testing.assert_array_equal(padded, expected)
