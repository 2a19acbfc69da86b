"""Convert a VOC folder to TFRecord shards.

1. List the samples of the split (`voc_folders`) and check every one of them (`samples`).
2. Settle the label map; find classes that it lacks.
3. Problems that cannot be repaired: raise, with all of them listed, or leave those samples out.
4. Write the shards and the split's description.

Not its job: flags, printing, what a single sample needs to be usable.
"""
import random
from collections import Counter
from pathlib import Path

from datasets.label_maps import AUTO, LABELS_FILE, load_labels
from datasets.pascalvoc_common import VOC_CLASSES
from datasets.samples import check_sample, sample_example
from datasets.split_files import SAMPLES_PER_FILE, describe_split, description_name, save_split, shard_name
from datasets.voc_folders import find_voc_folder, list_samples
from tf_extended.compat import tf

# The documented pipeline's seed.
RANDOM_SEED = 4242


def run(dataset_dir: str, output_dir: str, name: str = "voc_train", shuffling: bool = False, split: str | None = None,
        labels: str | None = None, samples_per_file: int = SAMPLES_PER_FILE) -> dict:
    """Convert; returns the split's description."""
    folder = find_voc_folder(dataset_dir)
    files, _ = list_samples(folder, split)
    samples = [check_sample(sample)[0] for sample in files]
    samples = [sample for sample in samples if sample]
    classes = sorted({thing.name for sample in samples for thing in sample.objects})
    if labels == AUTO:
        names = tuple(classes)
    elif labels:
        names = load_labels(labels)
    else:
        names = load_labels(folder / LABELS_FILE) if (folder / LABELS_FILE).is_file() else VOC_CLASSES
    if shuffling:
        random.Random(RANDOM_SEED).shuffle(samples)
    output = Path(output_dir)
    output.mkdir(parents=True, exist_ok=True)
    for number in range(0, len(samples), samples_per_file):
        path = output / shard_name(name, number // samples_per_file)
        with tf.io.TFRecordWriter(str(path)) as writer:
            for sample in samples[number:number + samples_per_file]:
                writer.write(sample_example(sample, names))
    things = [thing for sample in samples for thing in sample.objects]
    description = describe_split(name, names, len(samples), Counter(thing.name for thing in things),
                                 Counter(thing.name for thing in things if thing.difficult), folder.name)
    save_split(output / description_name(name), description)
    return description
