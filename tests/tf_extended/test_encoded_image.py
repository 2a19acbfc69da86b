"""Parts of encoded pictures, by decoding them whole and slicing with NumPy."""
import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import tf_extended as tfe
from tf_extended.compat import tf

SAMPLING = {
    name: getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{name}") for name in ("411", "420", "422", "440", "444")}


def picture(height: int, width: int) -> np.ndarray:
    """Colours that change from pixel to pixel, which is where a decoder's shortcuts would show."""
    return np.random.RandomState(height).randint(0, 256, (height, width, 3)).astype(np.uint8)


def encode(suffix: str, image: np.ndarray, *parameters: int) -> bytes:
    return cv2.imencode(suffix, image, parameters)[1].tobytes()


IMAGE = picture(67, 91)
FILES = {
    **{f"JPEG {name}": encode(".jpg", IMAGE, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor)
       for name, factor in SAMPLING.items()},
    "progressive JPEG": encode(".jpg", IMAGE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "grey JPEG": encode(".jpg", IMAGE[..., 0]), "PNG": encode(".png", IMAGE), "grey PNG": encode(".png", IMAGE[..., 0]),
    "PNG with an alpha channel": encode(".png", np.dstack([IMAGE, IMAGE[..., :1]])), "BMP": encode(".bmp", IMAGE),
}


@pytest.fixture(scope="module")
def decode():
    """(encoded, first, size) → (size of the picture, that part of it, the whole picture as TensorFlow decodes it)."""
    with tf.Graph().as_default(), tf.Session() as session:
        encoded, first, size = (tf.placeholder(dtype, shape) for dtype, shape in (
            (tf.string, []), (tf.int32, [2]), (tf.int32, [2])))
        image = tfe.EncodedImage(encoded)
        part = tfe.image_part(image, first, size)
        assert part.shape.as_list() == [None, None, 3] and part.dtype == tf.uint8
        whole = tf.image.decode_image(encoded, channels=3, expand_animations=False)
        yield session.make_callable([tfe.image_size(image), part, whole], [encoded, first, size])


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=30)
@given(st.tuples(st.integers(0, 66), st.integers(1, 67)), st.tuples(st.integers(0, 90), st.integers(1, 91)))
def test_a_part_is_the_slice_of_the_whole_to_the_last_bit(decode, name, rows, columns):
    (top, height), (left, width) = rows, columns
    height, width = min(height, 67 - top), min(width, 91 - left)
    size, part, whole = decode(FILES[name], [top, left], [height, width])
    assert size.tolist() == [67, 91] and whole.shape == (67, 91, 3)
    np.testing.assert_array_equal(part, whole[top:top + height, left:left + width])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_thin_pictures(decode, shape, suffix):
    height, width = shape
    size, part, whole = decode(encode(suffix, picture(height, width)), [height // 2, width // 2], [1, 1])
    assert size.tolist() == [height, width]
    np.testing.assert_array_equal(part, whole[height // 2:height // 2 + 1, width // 2:width // 2 + 1])


def test_decoded_pictures_are_taken_too():
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.constant(IMAGE)
        part = tfe.image_part(image, tf.constant([3, 5]), tf.constant([7, 9]))
        size, part = session.run([tfe.image_size(image), part])
    assert size.tolist() == [67, 91]
    np.testing.assert_array_equal(part, IMAGE[3:10, 5:14])


@pytest.mark.parametrize("data", [FILES["JPEG 420"][:300], FILES["PNG"][:300], b"neither"])
def test_what_cannot_be_decoded_is_an_error(decode, data):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(data, [0, 0], [60, 60])
