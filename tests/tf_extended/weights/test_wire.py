"""The wire format, against Google's library and against damage."""
import hypothesis.strategies as st
import numpy as np
import pytest
from google.protobuf import struct_pb2, wrappers_pb2
from hypothesis import given, settings

from tf_extended.weights import wire


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_varints_are_googles(number):
    data = wrappers_pb2.UInt64Value(value=number).SerializeToString()
    assert list(wire.fields(memoryview(data))) == ([(1, number)] if number else [])


@settings(max_examples=30, deadline=None)
@given(st.floats(width=32, allow_nan=False), st.floats(allow_nan=False), st.text(max_size=20))
def test_numbers_and_strings_are_googles(single, double, text):
    for message in (wrappers_pb2.FloatValue(value=single), wrappers_pb2.DoubleValue(value=double),
                    wrappers_pb2.StringValue(value=text)):
        read = list(wire.fields(memoryview(message.SerializeToString())))
        for number, value in read:
            assert number == 1
            found = bytes(value).decode() if isinstance(value, memoryview) else value[0]
            assert found == message.value


def test_nested_messages():
    message = struct_pb2.ListValue(values=[struct_pb2.Value(number_value=x) for x in (1.5, -2.0)])
    inner = [dict(wire.fields(value)) for _, value in wire.fields(memoryview(message.SerializeToString()))]
    assert [float(fields[2][0]) for fields in inner] == [1.5, -2.0]


def test_runs_of_floats_end_where_another_field_begins():
    one, other = b"\x2d", b"\x35"  # fields 5 and 6, 32 bits
    data = b"".join(one + np.float32(x).tobytes() for x in (1, 2, 3)) + other + np.float32(9).tobytes() + b"\x08\x07"
    (a, first), (b, second), (c, last) = wire.fields(memoryview(data))
    assert (a, b, c, last) == (5, 6, 1, 7)
    np.testing.assert_array_equal(first, [1, 2, 3])
    np.testing.assert_array_equal(second, [9])


@pytest.mark.parametrize("data", [
    b"\x0a", b"\x0a\x05abc", b"\x08", b"\x08\xff", b"\x2d\x00", b"\x00\x01", b"\x0b", b"\xff" * 12, b"hello world"])
def test_damage_is_a_wire_error(data):
    with pytest.raises(wire.WireError):
        list(wire.fields(memoryview(data)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        read = list(wire.fields(memoryview(data)))
    except wire.WireError:
        return
    assert all(number > 0 for number, _ in read)
