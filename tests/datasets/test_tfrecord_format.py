import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.tfrecord_format import make_decoder, make_example, parse_example
from tests.datasets.voc_cases import encoded
from tf_extended.compat import tf

KEYS = {
    "image/encoded", "image/format", "image/filename", "image/height", "image/width", "image/channels", "image/shape",
    "image/object/bbox/ymin", "image/object/bbox/xmin", "image/object/bbox/ymax", "image/object/bbox/xmax",
    "image/object/bbox/label", "image/object/bbox/label_text", "image/object/bbox/difficult",
    "image/object/bbox/truncated",
}
PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)

side = st.floats(0, 1, width=32)
boxes = st.lists(st.tuples(side, side, side, side).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))), max_size=8)


def example(bboxes=(), labels=(), **changed):
    values = {"encoded": encoded(".png", PIXELS), "image_format": "PNG", "height": 4, "width": 6, "filename": "a b",
              "bboxes": bboxes, "labels": labels, "label_texts": [f"class {label}" for label in labels],
              "difficults": [label % 2 for label in labels], "truncateds": [1 for _ in labels]}
    return make_example(**{**values, **changed})


def test_the_keys_are_the_documented_ones():
    feature = example([(.1, .2, .3, .4)], [7]).features.feature
    assert set(feature) == KEYS
    assert feature["image/shape"].int64_list.value == [4, 6, 3]
    assert feature["image/format"].bytes_list.value == [b"PNG"]
    assert feature["image/object/bbox/label_text"].bytes_list.value == [b"class 7"]
    assert feature["image/object/bbox/ymin"].float_list.value == pytest.approx([.1])
    assert feature["image/object/bbox/xmax"].float_list.value == pytest.approx([.4])


@settings(max_examples=60)
@given(boxes, st.data())
def test_boxes_come_back_as_they_were_written(bboxes, data):
    labels = data.draw(st.lists(st.integers(1, 2**40), min_size=len(bboxes), max_size=len(bboxes)))
    parsed = parse_example(example(bboxes, labels).SerializeToString(deterministic=True))
    np.testing.assert_array_equal(parsed.bboxes, np.array(bboxes, np.float32).reshape(-1, 4))
    np.testing.assert_array_equal(parsed.labels, labels)
    np.testing.assert_array_equal(parsed.difficults, [label % 2 for label in labels])
    assert parsed.filename == "a b"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_slims_decoder_gives_what_was_written(count):
    bboxes = np.linspace(0, 1, 4 * count, dtype=np.float32).reshape(count, 4)
    written = example(bboxes, list(range(1, count + 1)))
    with tf.Graph().as_default(), tf.Session() as session:
        decoder = make_decoder()
        items = decoder.list_items()
        decoded = decoder.decode(tf.constant(written.SerializeToString()), items)
        read = dict(zip(items, session.run(decoded), strict=True))
    np.testing.assert_array_equal(read["image"], PIXELS[..., ::-1])
    np.testing.assert_array_equal(read["object/bbox"], bboxes)
    np.testing.assert_array_equal(read["object/label"], range(1, count + 1))
    np.testing.assert_array_equal(read["object/difficult"], [label % 2 for label in range(1, count + 1)])
    np.testing.assert_array_equal(read["object/truncated"], np.ones(count))
    np.testing.assert_array_equal(read["shape"], [4, 6, 3])
    assert read["object/bbox"].shape == (count, 4) and read["filename"] == b"a b"


def test_shards_without_the_new_key_are_read():
    written = example([(0, 0, 1, 1)], [1])
    del written.features.feature["image/filename"]
    assert parse_example(written.SerializeToString()).filename == ""
    with tf.Graph().as_default(), tf.Session() as session:
        name = make_decoder().decode(tf.constant(written.SerializeToString()), ["filename"])[0]
        assert session.run(name) == b""


@pytest.mark.parametrize("name", ["difficult", "truncated"])
def test_flags_may_be_absent_but_not_in_part(name):
    written = example([(0, 0, 1, 1), (0, 0, .5, .5)], [3, 5], difficults=[1, 1])
    column = written.features.feature[f"image/object/bbox/{name}"].int64_list.value
    column.pop()
    with pytest.raises(ValueError, match=r"differ in number \(\[1, 2\]\)"):
        parse_example(written.SerializeToString())
    column.pop()
    assert parse_example(written.SerializeToString())._asdict()[f"{name}s"].tolist() == [0, 0]
    del written.features.feature[f"image/object/bbox/{name}"]
    assert parse_example(written.SerializeToString())._asdict()[f"{name}s"].tolist() == [0, 0]
    with tf.Graph().as_default(), tf.Session() as session:
        flags = make_decoder().decode(tf.constant(written.SerializeToString()), [f"object/{name}"])[0]
        assert session.run(flags).tolist() == [0, 0]


def test_a_record_without_a_picture_is_said():
    written = example([(0, 0, 1, 1)], [1])
    written.features.feature["image/encoded"].bytes_list.value.pop()
    with pytest.raises(ValueError, match="holds 0 pictures"):
        parse_example(written.SerializeToString())


def test_grey_pictures_are_read_with_three_channels():
    written = example(encoded=encoded(".png", PIXELS[..., 0]))
    with tf.Graph().as_default(), tf.Session() as session:
        image = make_decoder().decode(tf.constant(written.SerializeToString()), ["image"])[0]
        assert image.shape.as_list() == [None, None, 3]
        assert session.run(image).shape == (4, 6, 3)


def test_what_is_no_example_of_ours_is_said():
    with pytest.raises(ValueError, match=r"not a tf\.train\.Example"):
        parse_example(b"\xff\xff\xff")
    foreign = tf.train.Example()
    foreign.features.feature["image/object/class/label"].int64_list.value.append(1)
    with pytest.raises(ValueError, match="lacks image/encoded"):
        parse_example(foreign.SerializeToString())
    uneven = example([(0, 0, 1, 1)], [1, 2])
    with pytest.raises(ValueError, match="differ in number"):
        parse_example(uneven.SerializeToString())


def test_sides_and_names_are_stored_as_they_are():
    """Names may have any letters, as image ids and classes have."""
    feature = example([(.1, .2, .3, .4)], [1], filename="Jürgen 猫", label_texts=["größe"]).features.feature
    assert [feature[f"image/{key}"].int64_list.value for key in ("height", "width", "channels")] == [[4], [6], [3]]
    assert feature["image/filename"].bytes_list.value == ["Jürgen 猫".encode()]
    assert feature["image/object/bbox/label_text"].bytes_list.value == ["größe".encode()]


def test_a_shape_that_is_not_three_long_is_said():
    written = example([(0, 0, 1, 1)], [1])
    written.features.feature["image/shape"].int64_list.value.pop()
    with pytest.raises(ValueError, match="its shape is not 3 long"):
        parse_example(written.SerializeToString())
