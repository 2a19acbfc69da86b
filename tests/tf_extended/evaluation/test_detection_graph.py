"""What a net is asked for, by the Selection of an evaluation."""
import pytest

from tests.tf_extended.evaluation.rectangles import RectangleNet
from tf_extended.compat import tf
from tf_extended.console import InputError
from tf_extended.evaluation.detection_graph import Selection, detect_in


class AskedNet(RectangleNet):
    """Keeps what it was asked for."""

    def detected_bboxes(self, *arguments, **asked):
        self.asked = asked
        return super().detected_bboxes(*arguments, **{**asked, "keep_per": "class"})


# With mirror images boxes below the threshold vote too, from .01 on: others may lift them above it.
@pytest.mark.parametrize(("flips", "keep_per", "threshold"), [
    ("none", "image", 0.3), ("none", "class", 0.3), ("both", "class", 0.01)])
def test_a_net_is_asked_for_what_is_selected(flips, keep_per, threshold):
    net = AskedNet()
    selection = Selection(select_threshold=0.3, nms_threshold=0.6, select_top_k=7, keep_top_k=5, keep_per=keep_per,
                          test_flips=flips)
    with tf.Graph().as_default():
        detect_in(tf.placeholder(tf.float32, [None, 96, 96, 3]), net, selection)
    assert net.asked == {"select_threshold": threshold, "nms_threshold": 0.6, "top_k": 7, "keep_top_k": 5,
                         "keep_per": keep_per}


def test_views_vote_before_an_image_counts_its_detections():
    with pytest.raises(InputError, match="--keep_top_k_per=image does not go with --test_flips"):
        Selection(keep_per="image", test_flips="both")
