"""A whole Caffe SSD300 in the toolkit's net: the heads' values are those that OpenCV computes from the file."""
import numpy as np
import pytest

from nets import nets_factory
from tests.tf_extended.weights import opencv_reference
from tests.tf_extended.weights.caffe_files import caffemodel
from tf_extended.compat import slim, tf
from tf_extended.weights import CAFFE, load_weights


@pytest.mark.slow
def test_ssd300_gives_the_values_of_opencvs_caffe_importer(tmp_path):
    path = tmp_path / "ssd300.caffemodel"
    path.write_bytes(caffemodel(opencv_reference.weights()))
    kind, values = load_weights(path, "ssd_300_vgg")
    assert kind is CAFFE
    net = nets_factory.get_network("ssd_300_vgg")()
    with tf.Graph().as_default(), tf.Session() as sess:
        image = tf.constant(opencv_reference.picture() - np.float32([123, 117, 104]))[None]
        with slim.arg_scope(net.arg_scope()):
            _, localisations, logits, _ = net.net(image, is_training=False)
        assert {variable.op.name for variable in slim.get_model_variables()} == set(values)
        slim.assign_from_values_fn(values)(sess)
        ours = dict(zip(opencv_reference.SAMPLE, sess.run([localisations, logits]), strict=True))
    expected = np.load(opencv_reference.VALUES)
    for head, step in opencv_reference.SAMPLE.items():
        flat = np.concatenate([layer.reshape(-1) for layer in ours[head]])[::step]
        assert len(flat) == len(expected[head]) > 300
        np.testing.assert_allclose(flat, expected[head], atol=1e-4 * expected[head].std())
