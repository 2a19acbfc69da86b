"""Do these anchors fit these objects? Which layer's anchors each object matches, counted.

Follows the documented matching (section 2.2 of the paper, without the forced best anchors): an anchor takes the object
that it overlaps most, and is a positive where their IoU exceeds the threshold. Arrays come in, so it knows no net; the
training's own matching lives with the nets.
"""
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

import tf_extended as tfe


class AnchorLayer(NamedTuple):
    """One feature layer. corners: [K, 4] (ymin, xmin, ymax, xmax) relative; sizes: (size, next size) in input pixels;
    ratios: width / height."""

    name: str
    corners: np.ndarray
    sizes: tuple[float, float]
    ratios: tuple[float, ...]


class Matches(NamedTuple):
    """One picture's N objects and K anchors. best_iou, best_layer: [N]; owners: [K], the object whose positive an
    anchor is, or -1."""

    best_iou: np.ndarray
    best_layer: np.ndarray
    owners: np.ndarray


class AnchorFit(NamedTuple):
    """All M objects of P pictures. per_picture: [P], objects; bboxes: [M, 4]; best_iou, best_layer: [M]; positives: int
    [M, L], anchors of each layer."""

    per_picture: np.ndarray
    bboxes: np.ndarray
    best_iou: np.ndarray
    best_layer: np.ndarray
    positives: np.ndarray

    @property
    def matched(self) -> np.ndarray:
        """bool [M]: has an anchor of its own."""
        return self.positives.any(axis=1)


def layer_numbers(layers: Sequence[AnchorLayer]) -> np.ndarray:
    """[K]: the layer of every anchor, in the order in which `match_picture` takes them."""
    return np.repeat(np.arange(len(layers)), [len(layer.corners) for layer in layers])


def match_picture(bboxes: np.ndarray, layers: Sequence[AnchorLayer], threshold: float) -> Matches:
    """Match one picture's objects [N, 4] with all anchors."""
    corners = np.concatenate([layer.corners for layer in layers])
    if not len(bboxes):
        return Matches(np.zeros(0), np.zeros(0, int), np.full(len(corners), -1))
    overlaps = tfe.pairwise_jaccard(np.asarray(bboxes, np.float32), corners.astype(np.float32))
    best = overlaps.argmax(axis=1)
    owners = np.where(overlaps.max(axis=0) > threshold, overlaps.argmax(axis=0), -1)
    return Matches(overlaps.max(axis=1), layer_numbers(layers)[best], owners)


def fit_anchors(pictures: Iterable[np.ndarray], layers: Sequence[AnchorLayer], threshold: float) -> AnchorFit:
    """Match the objects [N, 4] of every picture; see AnchorFit."""
    numbers, rows = layer_numbers(layers), []
    for bboxes in pictures:
        matches = match_picture(bboxes, layers, threshold)
        positives = np.zeros((len(bboxes), len(layers)), int)
        taken = matches.owners >= 0
        np.add.at(positives, (matches.owners[taken], numbers[taken]), 1)
        rows.append((np.asarray(bboxes).reshape(-1, 4), matches.best_iou, matches.best_layer, positives))
    per_picture = np.array([len(row[0]) for row in rows], int)
    if not rows:
        rows = [(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), np.zeros((0, len(layers)), int))]
    return AnchorFit(per_picture, *(np.concatenate(column) for column in zip(*rows, strict=True)))


def fit_statistics(fit: AnchorFit, layers: Sequence[AnchorLayer]) -> dict:
    """The numbers, for JSON and `fit_table`."""
    return {
        "pictures": len(fit.per_picture),
        "without_objects": int(np.sum(fit.per_picture == 0)),
        "objects": len(fit.bboxes),
        "matched_by_none": int(np.sum(~fit.matched)),
        "mean_best_iou": float(fit.best_iou.mean()) if len(fit.best_iou) else None,
        "layers": [{
            "name": layer.name, "anchors": len(layer.corners), "sizes": list(layer.sizes),
            "objects_matched": int(np.sum(fit.positives[:, number] > 0)),
            "anchors_matched": int(fit.positives[:, number].sum()),
            "best_anchor_here": int(np.sum(fit.best_layer == number)),
        } for number, layer in enumerate(layers)],
    }


def fit_table(statistics: dict[str, dict]) -> str:
    """Statistics under their titles as one table: a row for each layer, then what concerns all of them.

    In each row: objects that match an anchor of the layer, the anchors that match, objects whose best anchor is there.
    """
    columns = list(statistics.values())
    width = max(30, *(len(layer["name"]) + 22 for layer in columns[0]["layers"]))

    def row(title: str, cells: list[str]) -> str:
        return f"{title:{width}}" + "".join(f"  {cell:>26}" for cell in cells)

    head = f"{'layer':{width - 20}}{'anchors':>8} {'sizes px':>11}"
    lines = [row("", list(statistics)), row(head, ["objects   anchors      best"] * len(columns))]
    for layers in zip(*(column["layers"] for column in columns), strict=True):
        sizes = "–".join(f"{size:.0f}" for size in layers[0]["sizes"])
        lines.append(row(f"{layers[0]['name']:{width - 20}}{layers[0]['anchors']:>8} {sizes:>11}", [
            f"{layer['objects_matched']:>7} {layer['anchors_matched']:>9} {layer['best_anchor_here']:>9}"
            for layer in layers]))
    lines.append(row("objects that match no anchor",
                     [_share(column["matched_by_none"], column["objects"]) for column in columns]))
    lines.append(row("pictures without object", [_share(column["without_objects"], column["pictures"])
                                                 for column in columns]))
    lines.append(row("mean IoU with the best anchor", [f"{column['mean_best_iou'] or 0:.2f}" for column in columns]))
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / max(whole, 1):.1f} %)"
