"""How well anchors fit a data set, as one picture of four charts. Counting is `anchor_fit`'s job."""
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.anchor_fit import AnchorFit, AnchorLayer
from datasets.contact_sheets import palette
from tf_extended.files import write_figure

# Side in pixels of the smallest objects that the chart of sizes tells apart.
SMALLEST = 2


def save_charts(path: Path, fit: AnchorFit, layers: Sequence[AnchorLayer], side: int, threshold: float,
                title: str) -> Path:
    """Draw object sizes against anchor sizes, aspect ratios, layers and overlaps; `side`: of the input in pixels."""
    from matplotlib.figure import Figure  # only here: it costs a second of start-up

    figure = Figure(figsize=(12, 8.5), layout="constrained")
    figure.suptitle(title)
    (sizes, ratios), (per_layer, overlaps) = figure.subplots(2, 2)
    heights, widths = (fit.bboxes[:, 2] - fit.bboxes[:, 0]) * side, (fit.bboxes[:, 3] - fit.bboxes[:, 1]) * side
    _draw_sizes(sizes, np.sqrt(heights * widths), fit.matched, layers, side)
    _draw_ratios(ratios, widths / np.maximum(heights, 1e-6), fit.matched, layers)
    _draw_layers(per_layer, fit, layers)
    overlaps.hist(fit.best_iou, np.linspace(0, 1, 41), color="steelblue")
    overlaps.axvline(threshold, color="crimson", linestyle="--", label=f"threshold {threshold:g}")
    overlaps.set(xlabel="IoU with the best anchor", ylabel="objects")
    overlaps.legend()
    write_figure(path, figure, dpi=90)
    return path


def _rgb(number: int) -> tuple[float, ...]:
    return tuple(value / 320 for value in palette(number + 1))


def _split_histogram(axes, values: np.ndarray, matched: np.ndarray, edges: np.ndarray) -> None:
    axes.hist([values[matched], values[~matched]], edges, stacked=True, color=["steelblue", "crimson"],
              label=["match an anchor", "match none"])
    axes.set_ylabel("objects")
    axes.set_ylim(bottom=0)
    axes.legend()


def _draw_sizes(axes, sizes: np.ndarray, matched: np.ndarray, layers: Sequence[AnchorLayer], side: int) -> None:
    _split_histogram(axes, np.clip(sizes, SMALLEST, side), matched, np.geomspace(SMALLEST, side * 1.05, 50))
    for number, layer in enumerate(layers):
        axes.axvline(layer.sizes[0], color=_rgb(number), linewidth=1.5)
        axes.text(layer.sizes[0], 0.99, layer.name, rotation=90, va="top", ha="right", fontsize=8,
                  transform=axes.get_xaxis_transform())
    axes.set_xscale("log")
    axes.minorticks_off()
    ticks = [*(size for size in (SMALLEST, 5, 10, 20, 50, 100, 200) if size < 0.8 * side), side]
    axes.set_xticks(ticks, [f"≤ {SMALLEST}", *map(str, ticks[1:])])
    axes.set_xlabel(f"size of the object in the {side}×{side} input, √area in pixels; lines: each layer's anchors")


def _draw_ratios(axes, ratios: np.ndarray, matched: np.ndarray, layers: Sequence[AnchorLayer]) -> None:
    _split_histogram(axes, np.clip(ratios, 1 / 8, 8), matched, np.geomspace(1 / 8, 8, 49))
    for ratio in sorted({1.0, *(ratio for layer in layers for ratio in layer.ratios)}):
        axes.axvline(ratio, color="black", linewidth=1, alpha=0.5)
    ticks = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(ticks, ["1:8", "1:4", "1:2", "1:1", "2:1", "4:1", "8:1"])
    axes.set_xlabel("width : height in the input; lines: the anchors'")


def _draw_layers(axes, fit: AnchorFit, layers: Sequence[AnchorLayer]) -> None:
    counts = [*(fit.positives > 0).sum(axis=0), np.sum(~fit.matched)]
    colours = [*(_rgb(number) for number in range(len(layers))), "crimson"]
    bars = axes.bar([*(layer.name for layer in layers), "none"], counts, color=colours)
    axes.bar_label(bars)
    axes.set(xlabel="layer", ylabel="objects that match an anchor of the layer")
    axes.set_ylim(bottom=0)
