"""One picture as a tf.train.Example: the keys, writing them, reading them back in a graph or in NumPy.

The keys are those of the documented pipeline, and `image/filename` (the image id, for result files), which readers do
not demand. Which files the examples lie in is `split_files`' job.
"""
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tf_extended.compat import slim, tf

_BOX = "image/object/bbox/"
_SIDES = ("ymin", "xmin", "ymax", "xmax")
# What an example must have to be read at all.
REQUIRED_KEYS = ("image/encoded", "image/format", "image/shape")
_CHANNELS = 3


class ParsedExample(NamedTuple):
    """An example in NumPy: bboxes float32 [N, 4], labels, difficults, truncateds int64 [N], shape int64 [3]."""

    encoded: bytes
    shape: np.ndarray
    bboxes: np.ndarray
    labels: np.ndarray
    difficults: np.ndarray
    truncateds: np.ndarray
    filename: str


def _bytes(*values: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(*values: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(*values: float) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def make_example(encoded: bytes, image_format: str, height: int, width: int, filename: str,
                 bboxes: Sequence[Sequence[float]], labels: Sequence[int], label_texts: Sequence[str],
                 difficults: Sequence[int], truncateds: Sequence[int]) -> tf.train.Example:
    """One picture as an example.

    encoded: the JPEG's or PNG's bytes; image_format: 'JPEG' or 'PNG'; bboxes: N × (ymin, xmin, ymax, xmax) relative to
    the image; the four lists after it have length N. The number of channels stored is 3, what readers get, whatever
    the file has. Not for checking: `samples` does that before.
    """
    sides = np.asarray(bboxes, np.float64).reshape(-1, 4).T
    features = {
        "image/encoded": _bytes(encoded),
        "image/format": _bytes(image_format.encode()),
        "image/filename": _bytes(filename.encode()),
        "image/height": _ints(height),
        "image/width": _ints(width),
        "image/channels": _ints(_CHANNELS),
        "image/shape": _ints(height, width, _CHANNELS),
        **{_BOX + side: _floats(*values) for side, values in zip(_SIDES, sides, strict=True)},
        _BOX + "label": _ints(*labels),
        _BOX + "label_text": _bytes(*(text.encode() for text in label_texts)),
        _BOX + "difficult": _ints(*difficults),
        _BOX + "truncated": _ints(*truncateds),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def make_decoder() -> slim.tfexample_decoder.TFExampleDecoder:
    """slim's decoder of such examples.

    Items: image uint8 [H, W, 3]; encoded string, its file's bytes; shape int64 [3]; object/bbox float32 [N, 4];
    object/label, object/difficult, object/truncated int64 [N]; filename string, '' where the shard has no such key.
    """
    many = {_BOX + side: tf.VarLenFeature(tf.float32) for side in _SIDES}
    many.update({_BOX + key: tf.VarLenFeature(tf.int64) for key in ("label", "difficult", "truncated")})
    keys = {
        "image/encoded": tf.FixedLenFeature([], tf.string, default_value=""),
        "image/format": tf.FixedLenFeature([], tf.string, default_value="JPEG"),
        "image/shape": tf.FixedLenFeature([3], tf.int64),
        "image/filename": tf.FixedLenFeature([], tf.string, default_value=""),
        **many,
    }
    handlers = slim.tfexample_decoder
    return handlers.TFExampleDecoder(keys, {
        "image": handlers.Image("image/encoded", "image/format", channels=_CHANNELS),
        "encoded": handlers.Tensor("image/encoded"),
        "shape": handlers.Tensor("image/shape"),
        "filename": handlers.Tensor("image/filename"),
        "object/bbox": handlers.BoundingBox(list(_SIDES), _BOX),
        "object/label": handlers.Tensor(_BOX + "label"),
        "object/difficult": _flag_handler("difficult"),
        "object/truncated": _flag_handler("truncated"),
    })


def _flag_handler(name: str) -> slim.tfexample_decoder.ItemHandlerCallback:
    """int64 [N]: the flag of each object; zeros where the shard has no such key."""
    key, label = _BOX + name, _BOX + "label"

    def flags(tensors: dict[str, tf.SparseTensor]) -> tf.Tensor:
        return tf.cond(tf.size(tensors[key].values) > 0, lambda: tensors[key].values,
                       lambda: tf.zeros_like(tensors[label].values))

    return slim.tfexample_decoder.ItemHandlerCallback([key, label], flags)


def parse_example(serialized: bytes) -> ParsedExample:
    """Read a serialized example in NumPy; ValueError says what it lacks."""
    example = tf.train.Example()
    try:
        example.ParseFromString(serialized)
    except Exception as error:  # protobuf's DecodeError, which has no public home
        raise ValueError(f"not a tf.train.Example: {error}") from None
    feature = example.features.feature
    lacking = [key for key in REQUIRED_KEYS if key not in feature]
    if lacking:
        raise ValueError(f"the example lacks {', '.join(lacking)}")

    def ints(key: str) -> np.ndarray:
        return np.array(feature[key].int64_list.value if key in feature else [], np.int64)

    sides = [np.array(feature[_BOX + side].float_list.value if _BOX + side in feature else [], np.float32)
             for side in _SIDES]
    labels = ints(_BOX + "label")
    # Optional, but all of them or none.
    flags = [ints(_BOX + key) if len(ints(_BOX + key)) else np.zeros_like(labels) for key in ("difficult", "truncated")]
    counts = {len(column) for column in (*sides, labels, *flags)}
    if len(counts) != 1 or len(ints("image/shape")) != 3:
        raise ValueError(f"its coordinates, labels and flags differ in number ({sorted(counts)}), or its shape is not "
                         "3 long")
    encoded = feature["image/encoded"].bytes_list.value
    if len(encoded) != 1:
        raise ValueError(f"it holds {len(encoded)} pictures; expected one")
    name = feature["image/filename"].bytes_list.value if "image/filename" in feature else []
    return ParsedExample(encoded[0], ints("image/shape"), np.stack(sides, axis=1), labels, *flags,
                         name[0].decode() if name else "")
