"""Precision, recall and average precision of one class, from arrays (NumPy only).

Its job: the arithmetic from ranked true and false positives to one figure. Deciding which detection is a true positive
is not its job (`tf_extended.evaluation.voc_scoring`), nor are means over classes. Source: the PASCAL VOC devkit
(`VOCevaldet.m`, `VOCap.m`), whose values the tests hold; section 3.1 of Liu et al. 2016 reports these figures.
"""
import numpy as np


def precision_recall(
    num_gbboxes: int, num_detections: int, tp: np.ndarray, fp: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall after each of the `num_detections` best detections of one class, by falling score.

    num_gbboxes: the objects to find (those that are not difficult); tp, fp: bool [N], neither for a detection that is
    ignored (it repeats the row before); scores: float [N], in any order, ties keep theirs. Returns (precision, recall),
    float64 [min(num_detections, N)]. Where nothing counts yet (0 / 0) both are 0; the devkit has NaN there, which its
    maxima pass over, so no average precision differs.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")[:num_detections]
    found = np.cumsum(np.asarray(tp, bool)[order], dtype=np.float64)
    wrong = np.cumsum(np.asarray(fp, bool)[order], dtype=np.float64)
    precision = found / np.maximum(found + wrong, 1)
    recall = found / max(num_gbboxes, 1)
    return precision, recall


def average_precision_voc07(precision: np.ndarray, recall: np.ndarray) -> float:
    """VOC 2007: the mean, over recall levels 0, 0.1, … 1, of the best precision at that recall or more.

    precision, recall: float [N] in rank order, from `precision_recall`. 0 without detections.
    """
    # 3 * 0.1 is 0.30000000000000004 in doubles, here as in the devkit: a recall of exactly .3 does not reach it.
    levels = np.arange(11) * 0.1
    return float(np.mean([np.max(precision, initial=0.0, where=recall >= level) for level in levels]))


def average_precision_voc12(precision: np.ndarray, recall: np.ndarray) -> float:
    """VOC 2010 and later: the area under the precision–recall curve, made to fall monotonically.

    precision, recall: float [N] in rank order, from `precision_recall`. 0 without detections.
    """
    best_from_here = np.maximum.accumulate(np.asarray(precision, np.float64)[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * best_from_here))
