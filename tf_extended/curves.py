"""The curves of a training as a picture: losses, learning rate, speed, from its metrics.jsonl."""
import json
from pathlib import Path

from tf_extended.console import InputError
from tf_extended.files import write_figure

# Panels of the picture: title, the metrics in it, whether the axis is logarithmic.
PANELS = (
    ("loss", ("loss", "loss_positive", "loss_negative", "loss_localisation", "loss_regularisation"), True),
    ("learning rate", ("learning_rate",), False),
    ("images/s", ("images_per_second",), False),
)


def read_metrics(path: Path) -> list[dict]:
    """The rows of a metrics.jsonl, oldest first.

    Where a run was killed and went on from an older checkpoint, the rows of the steps it repeated replace the first
    ones. What is no row, as a last line that a kill cut short, is left out. Raises InputError for a file without a
    single row.
    """
    rows: list[dict] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if not isinstance(row, dict) or "step" not in row:
            continue
        while rows and rows[-1]["step"] >= row["step"]:
            rows.pop()
        rows.append(row)
    if not rows:
        raise InputError(f"{path} has no measurements: has the training reached its first report?")
    return rows


def plot_training(train_dir: Path) -> Path:
    """Draw train_dir/metrics.jsonl as train_dir/curves.png; returns the picture's path.

    Without measurements a picture that is there stays as it is, and otherwise shows empty axes: a run that finds its
    training done, but the measurements removed, has nothing to complain about.
    """
    from matplotlib.figure import Figure  # only here: it costs a second of start-up

    path = train_dir / "curves.png"
    try:
        rows = read_metrics(train_dir / "metrics.jsonl")
    except InputError:
        if path.is_file():
            return path
        rows = []
    figure = Figure(figsize=(8, 9), layout="constrained")
    for axes, (title, names, logarithmic) in zip(figure.subplots(len(PANELS), sharex=True), PANELS, strict=True):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
            if points:
                axes.plot(*zip(*points, strict=True), label=name.removeprefix("loss_").replace("_", " "),
                          linewidth=2 if name == names[0] else 1)
        axes.set_ylabel(title)
        axes.set_yscale("log" if logarithmic else "linear")
        axes.grid(alpha=0.3)
        if len(names) > 1 and rows:
            axes.legend()
    axes.set_xlabel("step" if rows else "nothing measured: no metrics.jsonl")
    write_figure(path, figure, dpi=90)
    return path
