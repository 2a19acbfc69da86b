"""COCO's metrics of the same detections, computed by pycocotools.

Its job: VOC pixels → COCO boxes (x = xmin − 1, width = xmax − xmin + 1), difficult objects as `iscrowd`, so that they
cost nothing, as in VOC; pycocotools does the rest. Its prints are kept off the terminal. Computing the metrics anew is
not its job.
"""
import contextlib
import io
from collections.abc import Mapping

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tf_extended.evaluation.records import Detections, GroundTruth, select_rows

COCO_LIMIT = 100  # detections of a class in a picture that count
# In the order of COCOeval.stats.
METRICS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large",
           "AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large")


def coco_metrics(
    detections: Detections, truth: GroundTruth, names: Mapping[int, str]
) -> dict[str, float | dict[str, dict[str, float | None]] | None]:
    """The twelve metrics of `METRICS`, and under `per_class` each class's AP, AP50, AP75 and AR100.

    None where nothing of that kind is to be found (COCO says −1). names: label → class name; 0 is passed over.
    """
    labels = [label for label in sorted(names) if label > 0]
    # Of equal scores pycocotools takes the first image's first: by their names, not by the order they were read in.
    places = np.argsort(np.argsort(np.array(truth.image_ids, str), kind="stable"))
    truth = truth._replace(images=places[truth.images])
    detections = detections._replace(images=places[detections.images])
    found = []
    with contextlib.redirect_stdout(io.StringIO()):
        # One class after the other: pycocotools keeps kilobytes in memory for each detection, each class and image.
        for label in labels:
            evaluation = _evaluate_class(detections, truth, label)
            found.append((evaluation.eval["precision"], evaluation.eval["recall"]))
        # precision: [IoU threshold, recall, class, area, limit of detections]; recall: the same without recall levels.
        precision, recall = (np.concatenate(parts, axis=-3) for parts in zip(*found, strict=True))
        evaluation.eval = {"precision": precision, "recall": recall}
        evaluation.summarize()
    figures = {metric: _known(value) for metric, value in zip(METRICS, evaluation.stats, strict=True)}
    figures["per_class"] = {
        names[label]: {
            "AP": _mean(precision[:, :, k, 0, -1]),
            "AP50": _mean(precision[0, :, k, 0, -1]),
            "AP75": _mean(precision[5, :, k, 0, -1]),
            "AR100": _mean(recall[:, k, 0, -1]),
        }
        for k, label in enumerate(labels)
    }
    return figures


def _evaluate_class(detections: Detections, truth: GroundTruth, label: int) -> COCOeval:
    """pycocotools' evaluation of one class, over the images that have something of it."""
    objects = truth.labels == label
    truth = truth._replace(**{column: getattr(truth, column)[objects]
                              for column in ("images", "labels", "bboxes", "difficults")})
    detections = select_rows(detections, detections.labels == label)
    used, places = np.unique(np.concatenate([truth.images, detections.images]), return_inverse=True)
    truth, detections = (rows._replace(images=part) for rows, part in zip(
        (truth, detections), np.split(places, [len(truth.images)]), strict=True))
    evaluation = COCOeval(_as_coco(truth, len(used), label, truth.difficults),
                          _as_coco(detections, len(used), label, np.zeros(len(detections.scores), bool)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation


def _as_coco(rows: GroundTruth | Detections, num_images: int, label: int, crowds: np.ndarray) -> COCO:
    ymin, xmin, ymax, xmax = rows.bboxes.T
    boxes = np.stack([xmin - 1, ymin - 1, xmax - xmin + 1, ymax - ymin + 1], axis=1)
    scores = getattr(rows, "scores", np.ones(len(boxes)))
    coco = COCO()
    coco.dataset = {
        "images": [{"id": index} for index in range(num_images)],
        "categories": [{"id": label}],
        "annotations": [
            # COCO's matching takes id 0 for "unmatched".
            {"id": number, "image_id": image, "category_id": label, "bbox": box, "area": box[2] * box[3],
             "iscrowd": int(crowd), "score": score}
            for number, (image, box, crowd, score) in enumerate(
                zip(rows.images.tolist(), boxes.tolist(), crowds.tolist(), scores.tolist(), strict=True), 1)
        ],
    }
    coco.createIndex()
    return coco


def _mean(values: np.ndarray) -> float | None:
    values = values[values > -1]
    return float(values.mean()) if values.size else None


def _known(value: float) -> float | None:
    return float(value) if value > -1 else None
