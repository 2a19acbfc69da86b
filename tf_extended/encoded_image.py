"""A picture that is decoded only where it is looked at: most of what a crop cuts away need not be decoded at all.

`image_size` and `image_part` take such a picture or a decoded one, so that what cuts pictures need not care.
"""
from tf_extended.compat import tf

# Columns decoded on either side of what is wanted. A JPEG stores colours for two columns at once and spreads them with
# the neighbours' in mind, but not in pictures of less than five columns: without the margin the outermost columns would
# come out a little different.
MARGIN = 4


class EncodedImage:
    """The file's bytes of one picture, a string scalar: JPEG, or what `tf.image.decode_image` reads (PNG).

    size: [2] int32, height and width. A JPEG's comes from its header; another picture is decoded whole, once.
    """

    def __init__(self, encoded: tf.Tensor) -> None:
        self._encoded, self._is_jpeg = encoded, tf.image.is_jpeg(encoded)
        self._whole, shape = tf.cond(self._is_jpeg, self._read_header, self._decode)
        self.size = tf.ensure_shape(shape[:2], [2])

    def _read_header(self) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.zeros([0, 0, 3], tf.uint8), tf.image.extract_jpeg_shape(self._encoded)

    def _decode(self) -> tuple[tf.Tensor, tf.Tensor]:
        whole = tf.image.decode_image(self._encoded, channels=3, expand_animations=False)
        return whole, tf.shape(whole)

    def part(self, first: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """`image_part` of this picture: the very pixels that decoding all of it would give."""
        part = tf.cond(self._is_jpeg, lambda: self._decode_part(first, size), lambda: _cut(self._whole, first, size))
        return tf.ensure_shape(part, [None, None, 3])

    def _decode_part(self, first: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        left = tf.maximum(first[1] - MARGIN, 0)
        right = tf.minimum(first[1] + size[1] + MARGIN, self.size[1])
        window = tf.stack([first[0], left, size[0], right - left])
        strip = tf.image.decode_and_crop_jpeg(self._encoded, window, channels=3)
        return _cut(strip, tf.stack([0, first[1] - left]), size)


def image_size(image: tf.Tensor | EncodedImage) -> tf.Tensor:
    """Height and width, [2] int32, of a picture [H, W, 3] or an encoded one."""
    return image.size if isinstance(image, EncodedImage) else tf.shape(image)[:2]


def image_part(image: tf.Tensor | EncodedImage, first: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """The part [h, w, 3] of a picture [H, W, 3] or an encoded one (then uint8) that lies within it.

    first: its uppermost row and leftmost column, [2] int32; size: its height and width, [2] int32, at least one.
    """
    return image.part(first, size) if isinstance(image, EncodedImage) else _cut(image, first, size)


def _cut(image: tf.Tensor, first: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.slice(image, tf.concat([first, [0]], 0), tf.concat([size, [-1]], 0))
