"""Find damaged shards before training starts, not hours later in the input queue.

1. Walk each shard's record frames: lengths and their checksums, to the exact end of the file (cut files, other files).
2. Read the records, so that TensorFlow verifies their checksums, where the set is small enough for that to be quick.
3. Parse the first record of each shard: is it this toolkit's format, are its class ids within the label map?
4. Compare the number of records with the description.

A TFRecord frame: length uint64, masked CRC-32C of it uint32, data, masked CRC-32C of the data uint32, little endian.
"""
import struct
from pathlib import Path

import numpy as np

from datasets.tfrecord_format import parse_example
from tf_extended.compat import tf
from tf_extended.console import InputError

# Reading is what takes the time: about a second a gigabyte from memory, ten from a slow disk.
READ_WHOLE_BYTES = 4 * 2**30
_AGAIN = "copy it there again, or convert the data again."


def _crc_table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


_CRC_TABLE = [int(value) for value in _crc_table()]


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord frames, of a few bytes; for whole records TensorFlow's own is faster."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def count_records(path: Path) -> int:
    """Walk a shard's frames without reading the records; InputError where they do not end with the file."""
    size, position, count = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while position < size:
            file.seek(position)
            head = file.read(12)
            if len(head) < 12 or masked_crc32c(head[:8]) != struct.unpack("<I", head[8:])[0]:
                what = "it ends within a record" if len(head) < 12 else "the frame of a record is damaged"
                raise InputError(f"{path}: {what} after {count} whole records, at byte {position} of {size}; {_AGAIN}")
            position += 16 + struct.unpack("<Q", head[:8])[0]
            if position > size:
                raise InputError(f"{path}: it is cut short within record {count + 1}, at byte {size}; {_AGAIN}")
            count += 1
    return count


def _check_records(path: Path, num_classes: int, whole: bool) -> None:
    """Parse the first record; where `whole`, read the others for their checksums too."""
    count = 0
    try:
        for count, record in enumerate(tf.io.tf_record_iterator(str(path)), 1):
            if count == 1:
                labels = parse_example(record).labels
            if not whole:
                break
    except tf.errors.DataLossError:
        raise InputError(f"{path}: record {count + 1} is damaged (its checksum is wrong); {_AGAIN}") from None
    except ValueError as error:
        raise InputError(f"{path}: not a shard of this toolkit's format: {error}; convert the data again with "
                         "tf_convert_data.py.") from None
    if count and labels.size and not 1 <= labels.min() <= labels.max() <= num_classes:
        raise InputError(f"{path}: class ids {labels.min()} to {labels.max()} in it, but the label map has "
                         f"{num_classes} classes; the shards are of another data set: convert the data again.")


def check_shards(shards: list[Path], num_classes: int, description: dict | None, description_path: Path) -> int:
    """Check a split's shards as above; returns the number of records. InputError names the file."""
    counts = [count_records(path) for path in shards]
    whole = sum(path.stat().st_size for path in shards) <= READ_WHOLE_BYTES
    for path in shards:
        _check_records(path, num_classes, whole)
    if description is not None and sum(counts) != description["num_samples"]:
        raise InputError(f"{description_path}: it says {description['num_samples']} samples, but the {len(shards)} "
                         f"shards beside it hold {sum(counts)}; a shard is missing or from another conversion: "
                         "convert the data again.")
    if not sum(counts):
        raise InputError(f"{shards[0]}: no record in it; convert the data again.")
    return sum(counts)
