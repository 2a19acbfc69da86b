"""What belongs to no single net or data set: boxes, the training loop, evaluation, weights, the door to TensorFlow.

`import tf_extended as tfe` has the functions that all use.
"""
from tf_extended.bboxes import (
    array_namespace,
    bboxes_clip,
    bboxes_filter_center,
    bboxes_filter_labels,
    bboxes_filter_overlap,
    bboxes_flip,
    bboxes_intersection,
    bboxes_jaccard,
    bboxes_resize,
    bboxes_rotate,
    box_columns,
    check_bboxes,
    pairwise_jaccard,
)
from tf_extended.console import InputError, RunError, amount, complain, duration, progress, run_script, say
from tf_extended.detections import bboxes_matching, bboxes_nms, bboxes_nms_batch, bboxes_sort
from tf_extended.encoded_image import EncodedImage, image_part, image_size
from tf_extended.metrics import average_precision_voc07, average_precision_voc12, precision_recall
from tf_extended.shapes import at_most, get_shape, reshape_list

__all__ = [
    "EncodedImage", "InputError", "RunError", "amount", "array_namespace", "at_most", "average_precision_voc07",
    "average_precision_voc12", "bboxes_clip", "bboxes_filter_center", "bboxes_filter_labels",
    "bboxes_filter_overlap", "bboxes_flip", "bboxes_intersection", "bboxes_jaccard", "bboxes_matching",
    "bboxes_nms", "bboxes_nms_batch", "bboxes_resize", "bboxes_rotate", "bboxes_sort", "box_columns",
    "check_bboxes", "complain", "duration", "get_shape", "image_part", "image_size", "pairwise_jaccard",
    "precision_recall", "progress", "reshape_list", "run_script", "say",
]
