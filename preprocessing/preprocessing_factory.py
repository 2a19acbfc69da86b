"""Preprocessing functions by the name of the network they belong to."""
import functools
from collections.abc import Callable

import tf_extended as tfe
from preprocessing import ssd_vgg_preprocessing

# Every network so far is given whitened RGB; only the size differs, and that is an argument.
PREPROCESSINGS = {
    "ssd_300_vgg": ssd_vgg_preprocessing.preprocess_image,
    "ssd_512_vgg": ssd_vgg_preprocessing.preprocess_image,
    "ssd_300_mobilenet_v1": ssd_vgg_preprocessing.preprocess_image,
}


def get_preprocessing(name: str, is_training: bool = False) -> Callable:
    """The function that prepares pictures for the network `name`.

    In training `fn(image, labels, bboxes, out_shape, data_format='NHWC', augmentation=SLIM)` → image, labels, bboxes;
    else `fn(image, labels, bboxes, out_shape, data_format='NHWC', difficults=None, resize=Resize.WARP_RESIZE,
    interpolation='bilinear_slim')` → image, labels, bboxes, bbox_img. Raises InputError, listing the names, for another
    one.
    """
    if name not in PREPROCESSINGS:
        raise tfe.InputError(f"preprocessing {name!r}: expected one of {', '.join(PREPROCESSINGS)}")
    return functools.partial(PREPROCESSINGS[name], is_training=is_training)
