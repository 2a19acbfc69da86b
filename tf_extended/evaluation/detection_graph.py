"""The graph of an evaluation: shards → batches → network → detections.

Its job: composing the parts that it is given (a slim Dataset, a preprocessing function, an SSD net). Running it is
`detecting`'s job; scoring happens outside the graph, in NumPy.
1. One reader takes every record once (`num_epochs=1`); threads preprocess; the last batch may be smaller.
2. What belongs to an image travels with it: its record's name, by which results are put in order again, its id, size
   and objects, as they are in the record, and where the image lies in the network's input.
3. The network, and behind it decoding, selection and non-maximum suppression (Liu et al. 2016, sections 2.1 and 3.7).
   With test-time flips, `mirroring` makes one of what the views gave. What lies between network and decoding is kept,
   so that the two can be run, and timed, one after the other.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tf_extended.compat import slim, tf
from tf_extended.console import InputError
from tf_extended.evaluation import mirroring

RECORD_ITEMS = {"image_id": "filename", "shape": "shape", "record": "record_key", "labels": "object/label",
                "bboxes": "object/bbox", "difficults": "object/difficult"}


@dataclass(frozen=True)
class Selection:
    """Which of a network's boxes are detections; the documented defaults of the flags of the same names.

    keep_per: `class`, keep_top_k counts for every class of an image, as documented; `image`, for all of them, as in
    Caffe's SSD. test_flips: one of `mirroring.VIEWS`, the mirror images that are looked at besides the picture.
    InputError for test_flips with keep_per=`image`: an image's detections would be counted before its views have voted.
    """

    select_threshold: float = 0.01
    nms_threshold: float = 0.45
    select_top_k: int = 400
    keep_top_k: int = 200
    keep_per: str = "class"
    test_flips: str = "none"

    def __post_init__(self) -> None:
        if self.test_flips != "none" and self.keep_per == "image":
            raise InputError("--keep_top_k_per=image does not go with --test_flips: leave one of them out.")


class DetectionGraph(NamedTuple):
    """Tensors to run. B is at most the batch size, C the classes without background.

    batch: by name; image float32 [B, …], bbox_img float32 [B, 4] (where the image lies in the network's input), shape
    int64 [B, 3], image_id and record string [B], labels, difficults int64 [B, N], bboxes float32 [B, N, 4] relative to
    the image, num_objects int32 [B], how many of the N are real; outputs: what the network says; scores float32
    [B, C, K], 0 where there is no detection, and bboxes float32 [B, C, K, 4] relative to the network's input; labels
    [C], the label of each of the C.
    """

    batch: dict[str, tf.Tensor]
    outputs: list[tf.Tensor]
    scores: tf.Tensor
    bboxes: tf.Tensor
    labels: list[int]


def build_detection_graph(
    dataset: slim.dataset.Dataset, preprocess: Callable, net: Any, selection: Selection, *, batch_size: int = 1,
    num_threads: int = 4, **preprocess_options: Any,
) -> DetectionGraph:
    """Build it in the default graph.

    dataset: with the items of `RECORD_ITEMS`; preprocess: the evaluation function of `preprocessing_factory`, called
    with `preprocess_options`; net: an `SSDNet`, whose feature shapes follow the size of the input. With one thread the
    batches come in the order of the records, with more they nearly do.
    """
    with tf.device("/cpu:0"):
        batch = read_batches(dataset, preprocess, net.params.img_shape, batch_size, num_threads, preprocess_options)
    outputs, scores, bboxes, labels = detect_in(batch["image"], net, selection)
    return DetectionGraph(batch, outputs, scores, bboxes, labels)


def detect_in(images: tf.Tensor, net: Any, selection: Selection) -> tuple[list, tf.Tensor, tf.Tensor, list[int]]:
    """Step 3: the `outputs`, `scores`, `bboxes` and `labels` of `DetectionGraph` for images [B, H, W, 3], whitened."""
    images = mirroring.mirrored(images, selection.test_flips)
    with slim.arg_scope(net.arg_scope()):
        predictions, localisations, _, _ = net.net(images, is_training=False)
    with tf.device("/cpu:0"):
        boxes = net.bboxes_decode(localisations, net.anchors(net.params.img_shape))
        flips, threshold = selection.test_flips, selection.select_threshold
        by_class = net.detected_bboxes(
            predictions, boxes, select_threshold=mirroring.vote_threshold(flips, threshold),
            nms_threshold=selection.nms_threshold, top_k=selection.select_top_k, keep_top_k=selection.keep_top_k,
            keep_per=selection.keep_per,
        )
        labels = sorted(by_class[0])
        scores, bboxes = (tf.stack([rows[label] for label in labels], axis=1) for rows in by_class)
        if flips != "none":
            scores, bboxes = mirroring.agree(scores, bboxes, flips, selection.nms_threshold, threshold)
    return [*predictions, *localisations], scores, bboxes, labels


def read_batches(
    dataset: slim.dataset.Dataset, preprocess: Callable, img_shape: Sequence[int], batch_size: int, num_threads: int,
    preprocess_options: dict[str, Any],
) -> dict[str, tf.Tensor]:
    """Steps 1 and 2: the `batch` of `DetectionGraph`."""
    provider = slim.dataset_data_provider.DatasetDataProvider(
        dataset, num_readers=1, shuffle=False, num_epochs=1, record_key=RECORD_ITEMS["record"]
    )
    image, *values = provider.get(["image", *RECORD_ITEMS.values()])
    sample = dict(zip(RECORD_ITEMS, values, strict=True))
    sample["record"] = tf.reshape(sample["record"], [])  # the reader does not tell its shape
    sample["image"], _, _, sample["bbox_img"] = preprocess(
        image, sample["labels"], sample["bboxes"], tuple(img_shape), **preprocess_options
    )
    sample["image"] = tf.ensure_shape(sample["image"], [*img_shape, 3])  # which Resize.NONE leaves open
    sample["num_objects"] = tf.shape(sample["labels"])[0]
    return tf.train.batch(
        sample, batch_size, num_threads=num_threads, capacity=max(2 * batch_size, 2 * num_threads), dynamic_pad=True,
        allow_smaller_final_batch=True,
    )
