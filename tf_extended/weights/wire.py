"""Protocol buffers' wire format, as much as reading a Caffe model takes. No schema: the caller knows the fields.

https://protobuf.dev/programming-guides/encoding/. Fixed-size numbers are read in runs, because an old Caffe model holds
millions of floats as a field each.
"""
from collections.abc import Iterator

import numpy as np

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED32: np.dtype("<f4"), FIXED64: np.dtype("<f8")}


class WireError(ValueError):
    """The bytes are not a protocol buffer, or are cut short."""


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """The number that starts at `position`, and the position after it."""
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise WireError("a number is cut short")


def varints(data: memoryview) -> list[int]:
    """The numbers of a packed field."""
    values, position = [], 0
    while position < len(data):
        value, position = varint(data, position)
        values.append(value)
    return values


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview | np.ndarray]]:
    """(field number, value) of a message, in the order of the file.

    The value is an int, the bytes of a string, packed field or message, or for 32- and 64-bit fields a float array: all
    that follow each other. Raises WireError.
    """
    position = 0
    while position < len(data):
        start = position
        key, position = varint(data, position)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise WireError("field number 0")
        if wire == VARINT:
            value, position = varint(data, position)
        elif wire == BYTES:
            length, position = varint(data, position)
            value, position = data[position:position + length], position + length
        elif wire in _FIXED:
            value, position = _run(data, start, position, _FIXED[wire])
        else:
            raise WireError(f"wire type {wire}")
        if position > len(data):
            raise WireError("a field is cut short")
        yield number, value


def _run(data: memoryview, start: int, position: int, dtype: np.dtype) -> tuple[np.ndarray, int]:
    """The values of the repeated fixed-size field whose first key is at `start`, its first value at `position`."""
    key = bytes(data[start:position])
    record = np.dtype([("key", f"S{len(key)}"), ("value", dtype)])
    records = np.frombuffer(data[start:], record, count=(len(data) - start) // record.itemsize)
    if not len(records):
        raise WireError("a field is cut short")
    others = np.flatnonzero(records["key"] != key)
    count = int(others[0]) if len(others) else len(records)
    return records["value"][:count], start + count * record.itemsize
