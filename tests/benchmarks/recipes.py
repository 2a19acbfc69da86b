"""The paper's recipe against the documented one, the parts of it one by one, bfloat16 or not: mAP over the minutes.

    python -m tests.benchmarks.recipes --dataset_dir=SHARDS --dataset_name=bccd --minutes=20 --output_dir=OUT

Every row trains the same net from random weights with the same optimiser and schedule, for as many steps as its own
speed allows in the given minutes (measured over its first steps; evaluations do not count), or for --steps, with an
evaluation now and then. Run the rows on a machine that does nothing else. Writes OUT/recipes.json and
OUT/recipes.png, prints a table; rows that are in recipes.json already are not run again.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.sides import PROJECT
from tf_extended.curves import read_metrics
from tf_extended.evaluation.curve import read_curve

DOCUMENTED = {
    "augmentation": "--augmentation=slim", "matching": "--matching=slim", "mining": "--mining=batch",
    "normalisation": "--loss_normalization=batch_size", "dropout": "--dropout_keep_prob=0.5",
}
# What each row changes in the recipe `scratch`, whose net, optimiser and schedule all of them have.
PAPER = ["--augmentation=paper"]
ROWS = {"paper": PAPER, "slim": list(DOCUMENTED.values()), "scratch": []}
ROWS |= {f"paper, documented {part}": [*PAPER, flag] for part, flag in DOCUMENTED.items() if part != "dropout"}
ROWS |= {"scratch, float32": ["--mixed_precision=off"]}
CALIBRATION_STEPS = 150


def train(options: argparse.Namespace, folder: Path, flags: list[str], *more: str) -> list[dict]:
    """One training; the rows of its metrics."""
    command = [sys.executable, PROJECT / "train_ssd_network.py", f"--dataset_dir={options.dataset_dir}",
               f"--dataset_name={options.dataset_name}", f"--dataset_split_name={options.train_split}",
               "--recipe=scratch", f"--train_dir={folder}", "--save_summaries_secs=0", *flags, *more]
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        subprocess.run([str(part) for part in command], stdout=log, stderr=log, check=True)
    return read_metrics(folder / "metrics.jsonl")


def evaluate(options: argparse.Namespace, folder: Path) -> dict:
    """The report of the evaluation of the last checkpoint."""
    command = [sys.executable, PROJECT / "eval_ssd_network.py", f"--dataset_dir={options.dataset_dir}",
               f"--dataset_name={options.dataset_name}", f"--dataset_split_name={options.eval_split}",
               f"--checkpoint_path={folder}", f"--eval_dir={folder / 'eval'}", "--batch_size=8"]
    subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, check=True)
    return json.loads((folder / "eval" / "report.json").read_text())


def run_row(options: argparse.Namespace, name: str) -> dict:
    """Measure the speed, train for the minutes, evaluate: the figures of a row."""
    flags, folder = ROWS[name], Path(options.output_dir) / name.replace(", ", "-").replace(" ", "-")
    folder.parent.mkdir(parents=True, exist_ok=True)
    steps = options.steps
    if not steps:
        metrics = train(options, folder.with_name(f"{folder.name}-speed"), flags,
                        f"--max_number_of_steps={CALIBRATION_STEPS}", "--log_every_n_steps=50")
        steps = int(options.minutes * 60 * metrics[-1]["images_per_second"] / 8)
    metrics = train(options, folder, flags, f"--max_number_of_steps={steps}", "--log_every_n_steps=50",
                    f"--eval_every_n_steps={-(-steps // options.points)}", f"--eval_split={options.eval_split}")
    elapsed, minutes = 0.0, {0: 0.0}
    for row in metrics:
        elapsed += (row["step"] - max(minutes)) * 8 / row["images_per_second"] / 60
        minutes[row["step"]] = elapsed
    report = evaluate(options, folder)
    return {"steps": steps, "minutes": elapsed, "voc07": report["voc07"]["mAP"], "voc12": report["voc12"]["mAP"],
            "curve": [(elapsed * p["step"] / steps, p["voc07"], p["voc12"]) for p in read_curve(folder)],
            "ap75": report["coco"]["AP75"]}


def draw(rows: dict[str, dict], path: Path) -> None:
    """mAP over the minutes, a line a row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, row in rows.items():
        minutes, _, values = zip(*row["curve"], strict=True)
        axes.plot(minutes, values, marker="o", markersize=3, label=f"{name}: {row['voc12']:.3f}")
    axes.set(xlabel="minutes of training", ylabel="mAP (VOC12)", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=100)


def main() -> None:
    """Run the rows that are asked for and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", required=True, help="folder of the shards")
    parser.add_argument("--dataset_name", required=True, help="family of the shards")
    parser.add_argument("--train_split", default="trainval")
    parser.add_argument("--eval_split", default="test")
    parser.add_argument("--minutes", type=float, default=20.0, help="of training, each row")
    parser.add_argument("--steps", type=int, help="steps of each row, in place of --minutes")
    parser.add_argument("--points", type=int, default=10, help="evaluations in a training")
    parser.add_argument("--rows", default="paper;slim", help=f"names separated by ';' of: {'; '.join(ROWS)}; or all")
    parser.add_argument("--output_dir", required=True)
    options = parser.parse_args()
    record = Path(options.output_dir) / "recipes.json"
    rows = json.loads(record.read_text()) if record.is_file() else {}
    for name in ROWS if options.rows == "all" else options.rows.split(";"):
        if name not in rows:
            rows[name] = run_row(options, name)
            record.write_text(json.dumps(rows, indent=1) + "\n")
            draw(rows, record.with_suffix(".png"))
        row = rows[name]
        print(f"{name:32s} {row['steps']:6d} steps {row['minutes']:5.1f} min  mAP VOC07 {row['voc07']:.3f}  "
              f"VOC12 {row['voc12']:.3f}  AP75 {row['ap75']:.3f}", flush=True)


if __name__ == "__main__":
    main()
