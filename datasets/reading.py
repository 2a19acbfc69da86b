"""Training samples in random order, for ever: slim's provider, and partners that a sample is joined with.

A sample is an image [H, W, 3] uint8, labels [N] int64 and boxes [N, 4] float32. What is done with samples is not this
module's job.
"""
from collections.abc import Callable

import tf_extended as tfe
from tf_extended.compat import slim, tf

OBJECTS = ["object/label", "object/bbox"]
ITEMS = ["image", *OBJECTS]
Sample = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def read_samples(dataset: slim.dataset.Dataset, num_readers: int, waiting: int, seed: int | None = None,
                 decoded: bool = True) -> Sample | tuple[tfe.EncodedImage, tf.Tensor, tf.Tensor]:
    """One sample a run, drawn from at least `waiting` that are read ahead by `num_readers` readers.

    Not `decoded`, its image is an EncodedImage, for callers that need no more than a part of it.
    """
    provider = slim.dataset_data_provider.DatasetDataProvider(
        dataset, num_readers=num_readers, shuffle=True, seed=seed, common_queue_min=waiting,
        common_queue_capacity=_capacity(waiting, seed))
    image, *objects = provider.get(["image" if decoded else "encoded", *OBJECTS])
    return image if decoded else tfe.EncodedImage(image), *objects


def read_partners(dataset: slim.dataset.Dataset, count: int, waiting: int, seed: int | None = None
                  ) -> list[Callable[[], Sample]]:
    """`count` more samples a run, each as a function that decodes it: in a branch that is not taken, it costs nothing.

    They are drawn independently of `read_samples`' own, by one reader.
    """
    seed = None if seed is None else seed + 1  # or both would draw the same samples
    _, record = slim.parallel_reader.parallel_read(
        dataset.data_sources, reader_class=dataset.reader, num_readers=1, shuffle=True, seed=seed,
        capacity=_capacity(waiting, seed), min_after_dequeue=waiting, scope="partners")
    records = tf.train.batch([tf.reshape(record, [])], batch_size=count, capacity=2 * count, name="partners")
    return [lambda record=record: tuple(dataset.decoder.decode(record, ITEMS)) for record in tf.unstack(records)]


def _capacity(waiting: int, seed: int | None) -> int:
    # What a shuffling queue draws depends on how full it is: with a seed it is always equally full.
    return 2 * waiting if seed is None else waiting + 1
