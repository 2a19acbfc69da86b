"""Convert a VOC folder to TFRecord shards.

1. List the samples of the split (`voc_folders`) and check every one of them, in parallel (`samples`).
2. Settle the label map; check the samples together (`set_checks`): classes that it lacks, pictures taken twice.
3. Problems that cannot be repaired: raise, with all of them listed and nothing created, or leave those samples out.
4. Write the shards in parallel, the report and the description, and publish them together (`publishing`).

The order of samples is that of their ids, or a shuffle of it with the documented seed: shards depend on the input
alone, not on the number of processes. Not its job: flags, what a single sample needs to be usable.
"""
import errno
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from datasets import set_checks
from datasets.conversion_report import ConversionReport, findings_json, problems_text
from datasets.dataset_factory import DOCUMENTED, UNREADABLE
from datasets.findings import Finding, problems
from datasets.label_maps import AUTO, LABELS_FILE, RESERVED, check_labels, load_labels
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.publishing import publish, refuse_existing, report_names, split_paths, sync_file
from datasets.samples import ChangedError, Sample, check_sample, class_names, sample_example
from datasets.split_files import SAMPLES_PER_FILE, describe_split, description_name, save_split, shard_name
from datasets.voc_folders import ANNOTATIONS, SPLITS, annotation_paths, find_voc_folder, list_samples
from datasets.workers import Workers, usable_processors
from tf_extended.compat import tf
from tf_extended.console import InputError, RunError, progress
from tf_extended.files import check_writable, printable, write_text

# The documented pipeline's seed.
RANDOM_SEED = 4242
STOP, SKIP = "stop", "skip"
# Fewer pictures are checked sooner here than in another process, whose start takes seconds.
WORTH_A_PROCESS = 4000
# Room on the disk beside the pictures themselves: keys, boxes, frames.
_BYTES_PER_SAMPLE = 4096


class _Shard(NamedTuple):
    """One shard to write, as it goes to a worker."""

    path: Path
    samples: list[Sample]
    labels: tuple[str, ...]


def run(dataset_dir: str | Path, output_dir: str | Path, name: str = "voc_train", shuffling: bool = False,
        split: str | None = None, labels: str | None = None, samples_per_file: int = SAMPLES_PER_FILE,
        num_workers: int | None = 1, on_error: str = STOP, overwrite: bool = False,
        report_dir: str | Path | None = None) -> ConversionReport:
    """Convert a VOC folder, or one split of it, into `{output_dir}/{name}_{000}.tfrecord` and `{name}.json`.

    labels: a label file, 'auto' (the classes found in the whole folder, sorted), or None: the folder's labels.txt if
    there is one, else the VOC classes. on_error: 'stop' raises InputError with every problem that cannot be repaired,
    before anything is created; 'skip' leaves those pictures and objects out. report_dir: where the report goes, also
    when stopped; default: output_dir, when done. num_workers: processes, None for as many as the pictures are worth;
    with more than one the caller's script needs the usual `if __name__ == "__main__"`.

    Raises InputError for unusable arguments or input, RunError where writing failed; then nothing is left behind.
    """
    if on_error not in (STOP, SKIP):
        raise InputError(f"on_error={on_error!r}: expected {STOP!r} or {SKIP!r}")
    if samples_per_file < 1:
        raise InputError(f"samples_per_file={samples_per_file}: expected at least one picture in a shard.")
    output, report_dir = Path(output_dir).expanduser(), Path(report_dir).expanduser() if report_dir else None
    _check_output(output, name, overwrite, report_dir)
    folder = find_voc_folder(dataset_dir)
    files, findings = list_samples(folder, split)
    listed = len(files) + len({(f.file, f.detail) for f in findings if f.kind in ("xml_missing", "duplicate_id")
                               or (f.kind == "name_unusable" and f.file.startswith(f"{ANNOTATIONS}/"))})
    if num_workers is None:
        num_workers = min(usable_processors(), 1 + len(files) // WORTH_A_PROCESS)
    with Workers(num_workers) as workers:
        label_map = _choose_labels(folder, labels, workers)
        checked = list(progress(workers.map(check_sample, files), len(files), "checking"))
        samples = [sample for sample, _ in checked if sample]
        findings += [finding for _, found in checked for finding in found]
        set_checks.drop_annotated(findings)
        samples = set_checks.take_once(samples, folder, findings)
        samples = set_checks.keep_known_classes(samples, label_map, folder, findings)
        set_checks.note_absent_classes(samples, folder, findings)
        set_checks.note_odd_sizes(samples, folder, findings)
        if not shuffling:
            set_checks.note_order(samples, findings)
        findings.sort(key=lambda finding: (finding.file, finding.object or 0))
        there = split_paths(output, name)  # whose report tells of that set
        if report_dir and not (there and report_dir.resolve() == output.resolve()):
            write_text(report_dir / report_names(name)[1], findings_json(findings, {"annotations": listed}))
        if on_error == STOP:
            _stop_on_problems(findings, samples, label_map, folder)
        set_checks.check_pixels(samples, findings, folder)
        if not samples:
            raise InputError(f"{folder}: no usable picture; nothing to convert.\n{problems_text(findings)}")
        _check_room(output, samples)
        if shuffling:
            random.Random(RANDOM_SEED).shuffle(samples)
        report = ConversionReport(_describe(name, label_map, samples, _source(folder, split)), listed, findings)
        _write(output, samples, report, samples_per_file, overwrite, workers)
    return report


def _check_output(output: Path, name: str, overwrite: bool, report_dir: Path | None) -> None:
    if not re.fullmatch(r"[\w.+-]+_[\w.+-]+", name) or name.startswith("."):
        raise InputError(f"--output_name={name}: expected {{family}}_{{split}} of letters, digits, '-' and '.', for "
                         "example voc_2007_train.")
    if name.lower().endswith(".report"):
        raise InputError(f"--output_name={name}: {description_name(name)} would be the name of another set's report; "
                         "choose one that does not end in .report.")
    for documented, (family, _) in DOCUMENTED.items():
        if name.startswith(f"{documented}_"):
            raise InputError(f"--output_name={name}: what is read as {documented} are shards named {family}_{{split}}; "
                             "name them so.")
    if bad := UNREADABLE.intersection(str(output)):
        raise InputError(f"--output_dir {output}: {' '.join(sorted(bad))} in its path would keep training from reading "
                         "the shards; choose another.")
    for folder, flag in ((output, "output_dir"), (report_dir, "report_dir")):
        if folder:
            check_writable(folder, flag)
    if not overwrite:
        refuse_existing(output, name)


def _choose_labels(folder: Path, labels: str | None, workers: Workers) -> tuple[str, ...]:
    """The label map; `auto` looks at every annotation, so that all splits of a folder agree about the ids."""
    if labels == AUTO:
        paths = annotation_paths(folder)
        found = {name: path for path, names in zip(paths, workers.map(class_names, paths), strict=True)
                 for name in names}
        if reserved := next((name for name in sorted(found) if name.lower() in RESERVED), None):
            raise InputError(f"{found[reserved]}: an object of the class {reserved!r}, which is the name of what is no "
                             "object. Correct it; or write the other classes into a file for --labels=FILE, and leave "
                             "such objects out with --on_error=skip.")
        if not found:
            raise InputError(f"{folder / ANNOTATIONS} (--labels=auto): no annotation in it has an object that can be "
                             "used, so there is no class.")
        return check_labels(sorted(found), f"{folder / ANNOTATIONS} (--labels=auto)")
    if labels:
        return load_labels(labels)
    return load_labels(folder / LABELS_FILE) if (folder / LABELS_FILE).is_file() else VOC_CLASSES


def _stop_on_problems(findings: Sequence[Finding], samples: Iterable[Sample], labels: tuple[str, ...],
                      folder: Path) -> None:
    found = problems(findings)
    if not found:
        return
    remedy = "Correct them, or leave these pictures and objects out with --on_error=skip."
    unknown = Counter(finding.detail for finding in found if finding.kind == "class_unknown")
    if unknown:
        known = Counter(thing.name for sample in samples for thing in sample.objects)
        counts = ", ".join(f"{name} {count}" for name, count in sorted((known + unknown).items()))
        remedy = (f"Classes found: {counts}. The label map: {', '.join(labels)}.\nGive --labels=auto to take the "
                  f"classes found, or --labels=FILE with one name a line. {remedy}")
    counted = f"{len(found)} problem{'s' * (len(found) > 1)}"
    raise InputError(f"{counted} in {folder}; nothing was converted:\n{problems_text(found)}\n{remedy}")


def _check_room(output: Path, samples: Sequence[Sample]) -> None:
    """InputError where the disk cannot hold the shards."""
    needed = sum(sample.picture.width * sample.picture.height * 3 if sample.picture.reencode else sample.stamp[0]
                 for sample in samples) + _BYTES_PER_SAMPLE * len(samples)
    place = next(path for path in (output, *output.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(f"{place}: the disk is full: about {needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are "
                         "free; make room or choose another --output_dir.")


def _source(folder: Path, split: str | None) -> str:
    """What is converted, as the description tells it: by the folder's name, wherever it lies and was called from."""
    name = folder.resolve().name if folder.name in ("", "..") else folder.name
    return printable(f"{name}/{SPLITS}/{split}.txt" if split else f"{name}/{ANNOTATIONS}")


def _describe(name: str, labels: tuple[str, ...], samples: Iterable[Sample], source: str) -> dict:
    things = [thing for sample in samples for thing in sample.objects]
    return describe_split(name, labels, sum(1 for _ in samples), Counter(thing.name for thing in things),
                          Counter(thing.name for thing in things if thing.difficult), source)


def _write(output: Path, samples: list[Sample], report: ConversionReport, samples_per_file: int,
           overwrite: bool, workers: Workers) -> None:
    """Write everything into a hidden folder and publish it; RunError where that fails, InputError as `publish`."""
    name = report.description["name"]
    try:
        with publish(output, name, overwrite) as hidden:
            shards = [_Shard(hidden / shard_name(name, number), samples[start:start + samples_per_file],
                             tuple(report.description["labels"]))
                      for number, start in enumerate(range(0, len(samples), samples_per_file))]
            written = (None for count in workers.map(_write_shard, shards) for _ in range(count))
            for _ in progress(written, len(samples), "writing"):
                pass
            text_name, json_name = report_names(name)
            (hidden / text_name).write_text(report.text(), encoding="utf-8")
            (hidden / json_name).write_text(report.json(), encoding="utf-8")
            save_split(hidden / description_name(name), report.description)
    except OSError as error:
        remedy = "Make it writable or" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else "Make room or"
        raise RunError(f"{output}: writing failed: {error.strerror or error}; nothing was left behind.\n"
                       f"{remedy} choose another --output_dir, then run the command again.") from None


def _write_shard(shard: _Shard) -> int:
    """Write one shard and wait until it is on the disk; runs in a worker. Returns the number of samples."""
    try:
        with tf.io.TFRecordWriter(str(shard.path)) as writer:
            for sample in shard.samples:
                writer.write(sample_example(sample, shard.labels))
    except tf.errors.PermissionDeniedError as error:
        raise PermissionError(errno.EACCES, error.message) from None
    except tf.errors.OpError as error:
        raise OSError(error.message) from None
    except ChangedError as error:
        raise RunError(f"{error}\nRun the command again when nothing writes there.") from None
    sync_file(shard.path)
    return len(shard.samples)
