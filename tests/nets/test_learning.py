"""The parts together: a thin net learns two pictures by heart, in either recipe, and detects their objects."""
import numpy as np
import pytest

import tf_extended as tfe
from nets import np_detection, ssd_vgg_300
from tests.nets import golden
from tf_extended.compat import slim, tf

COLOURS = {1: (100, -100, -100), 2: (-100, 100, 0)}
LABELS = [[1, 2], [2, 1]]
BBOXES = np.array([[[0.05, 0.1, 0.3, 0.4], [0.5, 0.4, 0.9, 0.9]], [[0.1, 0.6, 0.25, 0.75], [0.3, 0.1, 0.8, 0.4]]],
                  np.float32)
RECIPES = {"slim": {}, "paper": {"mining": "image", "normalization": "positives"}}


def pictures():
    """[2, 300, 300, 3]: noise with a rectangle of the class's colour in place of every object."""
    images = np.random.RandomState(0).uniform(-20, 20, (2, 300, 300, 3)).astype(np.float32)
    for image, labels, bboxes in zip(images, LABELS, BBOXES, strict=True):
        for label, bbox in zip(labels, bboxes, strict=True):
            ymin, xmin, ymax, xmax = (bbox * 300).astype(int)
            image[ymin:ymax, xmin:xmax] = COLOURS[label]
    return images


def train(net, images, recipe, steps):
    """Predictions and decoded boxes (lists over the layers) of `images` after `steps` steps of Adam on them."""
    anchors = net.anchors()
    targets = [golden.run(lambda lab, box: net.bboxes_encode(lab, box, anchors, matching=recipe), np.array(lab), box)
               for lab, box in zip(LABELS, BBOXES, strict=True)]
    targets = [[np.stack(layer) for layer in zip(*part, strict=True)] for part in zip(*targets, strict=True)]
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(0)
        with slim.arg_scope(net.arg_scope(weight_decay=4e-5)):
            predictions, localisations, logits, _ = net.net(tf.constant(images), dropout_keep_prob=1.0)
        net.losses(logits, localisations, *targets, **RECIPES[recipe])
        step = tf.train.AdamOptimizer(1e-3).minimize(tf.losses.get_total_loss())
        sess.run(tf.global_variables_initializer())
        for _ in range(steps):
            sess.run(step)
        return sess.run([predictions, net.bboxes_decode(localisations, anchors)])


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_two_pictures_by_heart(recipe):
    params = ssd_vgg_300.SSDNet.default_params._replace(num_classes=3)
    net = ssd_vgg_300.SSDNet(params, depth_multiplier=0.125, initializer="he")
    predictions, boxes = train(net, pictures(), recipe, steps=90)
    for i in range(2):
        classes, _, found = np_detection.np_detected_bboxes([p[i] for p in predictions], [b[i] for b in boxes], 0.5)
        assert sorted(classes) == sorted(LABELS[i])
        overlaps = tfe.pairwise_jaccard(BBOXES[i], found)
        assert (overlaps.max(1) > 0.7).all()
        assert classes[overlaps.argmax(1)].tolist() == LABELS[i]
