"""The curves of a training as a picture: losses, learning rate, speed, from its metrics.jsonl."""
import json
from pathlib import Path

from tf_extended.console import InputError

# Panels of the picture: title, the metrics in it, whether the axis is logarithmic.
PANELS = (
    ("loss", ("loss", "loss_positive", "loss_negative", "loss_localisation", "loss_regularisation"), True),
    ("learning rate", ("learning_rate",), False),
    ("images/s", ("images_per_second",), False),
)


def read_metrics(path: Path) -> list[dict]:
    """The rows of a metrics.jsonl, oldest first.

    Where a run was killed and went on from an older checkpoint, the rows of the steps it repeated replace the first
    ones. A last line that was cut short by a kill is left out. Raises InputError for a file without a single row.
    """
    rows: dict[int, dict] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows = {step: old for step, old in rows.items() if step < row["step"]}
        rows[row["step"]] = row
    if not rows:
        raise InputError(f"{path} has no measurements: has the training reached its first report?")
    return list(rows.values())


def plot_training(train_dir: Path) -> Path:
    """Draw train_dir/metrics.jsonl as train_dir/curves.png; returns the picture's path. Raises InputError as above."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # only here: it costs a second of start-up
    from matplotlib.figure import Figure

    rows = read_metrics(train_dir / "metrics.jsonl")
    figure = Figure(figsize=(8, 9), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, names, logarithmic) in zip(figure.subplots(len(PANELS), sharex=True), PANELS, strict=True):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
            if points:
                axes.plot(*zip(*points, strict=True), label=name.removeprefix("loss_").replace("_", " "),
                          linewidth=2 if name == names[0] else 1)
        axes.set_ylabel(title)
        axes.set_yscale("log" if logarithmic else "linear")
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend()
    axes.set_xlabel("step")
    path = train_dir / "curves.png"
    figure.savefig(path, dpi=90)
    return path
