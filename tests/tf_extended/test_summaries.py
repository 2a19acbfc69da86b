"""What TensorBoard is given, read from the summaries' own protocol buffers."""
import cv2
import numpy as np

from tf_extended import summaries
from tf_extended.compat import tf


def written(add, *arguments):
    """The summary's values by tag."""
    with tf.Graph().as_default(), tf.Session() as session:
        add(*arguments)
        summary = tf.Summary.FromString(session.run(tf.summary.merge_all()))
    return {value.tag: value for value in summary.value}


def test_activations_are_those_of_the_first_picture():
    pictures = [[0.0, 0.0, 0.0, 2.0], [9.0, 9.0, 9.0, 9.0]]
    values = written(lambda: summaries.add_activations({"conv": tf.constant(pictures)}))
    assert values["sparsity/conv"].simple_value == 0.75
    assert (values["activations/conv"].histo.num, values["activations/conv"].histo.max) == (4, 2)


def test_scalars_bear_their_names():
    values = written(lambda: summaries.add_scalars({"loss": tf.constant(0.5), "queue": tf.constant(0.25)}))
    assert {tag: value.simple_value for tag, value in values.items()} == {"loss": 0.5, "queue": 0.25}


def test_pictures_have_their_own_colours_and_the_boxes_of_matched_anchors_alone():
    """Of two layers with two anchors each: a matched one in the first picture, one at the threshold in the second."""
    mean = (100.0, 50.0, 20.0)
    boxes = [[0.2, 0.2, 0.6, 0.6], [0.5, 0.5, 0.9, 0.9]]

    def add():
        images = tf.fill([2, 20, 20, 3], 51.0) + tf.constant([-90.0, 0.0, 300.0]) - tf.constant(mean)
        bboxes = [tf.tile(tf.reshape(box, [1, 1, 1, 1, 4]), [2, 1, 1, 2, 1]) for box in boxes]
        scores = [tf.reshape(layer, [2, 1, 1, 2]) for layer in ([0.75, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0])]
        summaries.add_images_with_targets("input", images, bboxes, scores, 0.5, mean)
    values = written(add)
    first, second = (cv2.imdecode(np.frombuffer(values[tag].image.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
                     for tag in ("input/image/0", "input/image/1"))
    drawn = np.argwhere((first != [255, 51, 0]).any(-1))  # OpenCV's order: blue first
    drawn = drawn[drawn.any(-1)]  # boxes that are left out are at the corner
    assert np.abs([drawn.min(0) - 4, drawn.max(0) - 12]).max() <= 1
    assert (second.reshape(-1, 3)[1:] == [255, 51, 0]).all()
