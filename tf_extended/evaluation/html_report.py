"""`report.html`: one file that holds everything, pictures too, so that it can be sent to somebody."""
import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tf_extended.console import amount
from tf_extended.evaluation.pictures import LEGEND

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2.2em; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .15em .8em; text-align: right; border-bottom: 1px solid #eee; } th { font-weight: 600; }
td:first-child, th:first-child { text-align: left; } tr:last-child td { font-weight: 600; }
table.plain tr:last-child td { font-weight: inherit; }
img { max-width: 100%; } figure { margin: 1em 0; } figcaption { color: #555; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 1em; }
.swatch { display: inline-block; width: 1em; height: 1em; vertical-align: -2px; margin: 0 .3em 0 1em; }
"""
KINDS = (
    ("duplicate", "an object of its class is found a second time"),
    ("localisation", "right class, but the box overlaps the object by less than the matching threshold"),
    ("similar_class", "the box overlaps an object of another class by 0.1 or more"),
    ("background", "nothing there"),
    ("missed", "an object that nothing finds"),
)


def render(
    values: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[str]], figures: Mapping[str, Path],
    pictures: Mapping[str, Sequence[tuple[Path, str]]],
) -> str:
    """The page, as text.

    values: `report.report_values`; columns, rows: the table of classes; figures: PNG files by name
    (`precision_recall`, `confusion`, `errors`, perhaps `curve`); pictures: PNG files and captions of the
    `worst` and of `typical` images.
    """
    point = values["operating_point"]
    sections = [
        ("", _headline(values) + _table(columns, rows)),
        ("mAP over the steps of the training", _image(figures["curve"]) if "curve" in figures else ""),
        ("Precision and recall",
         "<p>Beside each class its area (AP12); shaded is that area, the dot is the best F1.</p>"
         + _image(figures["precision_recall"])),
        ("Where it fails", f"<p>Here and below detections count from a score of {point['threshold']:.3f} on"
         + (f", where F1 over all classes is best: F1 {point['f1']:.3f}, precision {point['precision']:.3f}, recall "
            f"{point['recall']:.3f}.</p>" if point["f1"] else "; none of them is right.</p>")
         + "<p>The rises of mAP are over all detections, whatever their score.</p>"
         + _kinds(values["errors"]) + _image(figures["errors"])),
        ("What is taken for what", _image(figures["confusion"])),
        ("The worst pictures", _pictures(pictures["worst"])),
        ("Pictures from all over the set", _pictures(pictures["typical"])),
        ("COCO metrics", _coco(values["coco"])),
        ("How this was made", _made(values)),
    ]
    body = "".join((f"<h2>{escape(title)}</h2>" if title else "") + text for title, text in sections if text)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Evaluation</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _headline(values: Mapping[str, Any]) -> str:
    def of(key: str) -> str:
        value = values[key]["mAP"]
        return "no object to find" if value is None else f"{value:.4f}"

    source = values.get("checkpoint") or values.get("detections_dir") or ""
    return (
        f"<h1>mAP {of('voc07')} (VOC07) · {of('voc12')} (VOC12)</h1>"
        f"<p>{amount(values['images'], 'image')} · {escape(str(source))}</p>"
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], css: str = "") -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<table class="{css}"><tr>{head}</tr>{body}</table>'


def _kinds(errors: Mapping[str, Any]) -> str:
    rows = []
    for kind, meaning in KINDS:
        gain = errors["gain"].get(kind)
        gains = [f"+{gain[rule]:.4f}" for rule in ("voc07", "voc12")] if gain else ["-", "-"]
        count = sum(kinds[kind] for kinds in errors["count"].values())
        rows.append((kind.replace("_", " "), str(count), *gains, meaning))
    return _table(("kind of error", "errors", "mAP07 without it", "mAP12 without it", "meaning"), rows, "plain")


def _coco(coco: Mapping[str, Any]) -> str:
    keys = [key for key in coco if key != "per_class"]
    means = ["-" if coco[key] is None else f"{coco[key]:.4f}" for key in keys]
    per_class = coco["per_class"]
    inner = list(next(iter(per_class.values()), {}))
    rows = [(name, *("-" if row[key] is None else f"{row[key]:.4f}" for key in inner))
            for name, row in per_class.items()]
    return _table(keys, [means], "plain") + "<p></p>" + _table(("class", *inner), rows, "plain")


def _pictures(pictures: Sequence[tuple[Path, str]]) -> str:
    if not pictures:
        return "<p>None: nothing to show, or no pictures to draw on.</p>"
    legend = "".join(
        f'<span class="swatch" style="background: rgb{colour}"></span>{escape(text)}' for text, colour in LEGEND
    )
    return f'<p>{legend}</p><div class="pictures">' + "".join(_image(*picture) for picture in pictures) + "</div>"


def _made(values: Mapping[str, Any]) -> str:
    rows = [(key, str(values[key])) for key in ("checkpoint", "step", "detections_dir") if values.get(key) is not None]
    for group in ("net", "settings", "seconds"):
        rows += [(f"{group}: {key}", str(value)) for key, value in values.get(group, {}).items()]
    return _table(("", ""), rows, "plain")


def _image(path: Path, caption: str = "") -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    note = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img alt="{escape(caption or path.stem)}" src="data:image/png;base64,{data}">{note}</figure>'
