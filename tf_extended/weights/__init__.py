"""Published weights as starting points: whatever the file, values under the toolkit's variable names.

`load_weights(path, net_scope)` tells from the content what a file is and reads it. Holding the values against the
variables of a net, and the table of what fits, is `tf_extended.checkpoints`' job.
"""
from tf_extended.weights.loading import CAFFE, CHECKPOINT, KERAS, SLIM_VGG, Kind, load_weights

__all__ = ["CAFFE", "CHECKPOINT", "KERAS", "SLIM_VGG", "Kind", "load_weights"]
