"""Named anchors against Caffe's numbers, anchor files good and bad."""
import itertools
import json

import numpy as np
import pytest

import tf_extended as tfe
from nets import anchor_sets, nets_factory
from nets.ssd_vgg_300 import SSDNet

PARAMS = SSDNet.default_params
# min_sizes and the last max_size of the published Caffe prototxt files.
CAFFE = {
    ("ssd_300_vgg", "voc"): [30, 60, 111, 162, 213, 264, 315],
    ("ssd_300_vgg", "coco"): [21, 45, 99, 153, 207, 261, 315],
    ("ssd_300_mobilenet_v1", "voc"): [30, 60, 111, 162, 213, 264, 315],
    ("ssd_512_vgg", "voc"): [35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6],
    ("ssd_512_vgg", "coco"): [20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72],
}


@pytest.mark.parametrize(("net", "name"), CAFFE)
def test_named_rows_are_caffes(net, name):
    sizes = anchor_sets.anchor_params(name, nets_factory.get_network(net).default_params).anchor_sizes
    expected = CAFFE[net, name]
    np.testing.assert_allclose(sizes, list(itertools.pairwise(expected)), rtol=1e-12)


@pytest.mark.parametrize("net", nets_factory.NETWORKS)
def test_the_documented_anchors_are_the_coco_row(net):
    params = nets_factory.get_network(net).default_params
    assert anchor_sets.anchor_params("coco", params) == params


def test_the_bounds_go_with_the_named_sizes():
    """Those of the second layer and the last: 60 and 270 of 300 pixels."""
    assert anchor_sets.anchor_params("voc", PARAMS).anchor_size_bounds == [0.2, 0.9]


def test_names_need_six_or_seven_layers():
    with pytest.raises(tfe.InputError, match="6 or 7 prediction layers, this one has 2"):
        anchor_sets.anchor_params("voc", PARAMS._replace(feat_layers=["a", "b"]))


def test_a_file_replaces_what_it_states(tmp_path):
    path = tmp_path / "anchors.json"
    fields = {"anchor_sizes": [[10 * i, 15 * i] for i in range(1, 7)], "anchor_ratios": [[2], [], [2], [2], [2], [2]]}
    path.write_text(json.dumps(fields))
    params = anchor_sets.anchor_params(path, PARAMS)
    assert params.anchor_sizes[2] == (30, 45)
    assert params.anchor_ratios == fields["anchor_ratios"]
    assert params.anchor_steps == PARAMS.anchor_steps
    assert SSDNet(params).anchors()[1][2].tolist() == pytest.approx([20 / 300, np.sqrt(20 * 30) / 300])


SIZES = [[10, 20]] * 6


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "anchors.json").write_text(json.dumps({"anchor_sizes": SIZES}), encoding="utf-8-sig")
    assert anchor_sets.anchor_params(tmp_path / "anchors.json", PARAMS).anchor_sizes == [(10, 20)] * 6


@pytest.mark.parametrize(("content", "message"), [
    ("{", "not JSON"),
    ("[1, 2]", "expected an object with anchor_sizes"),
    ({"anchor_ratios": [[2]] * 6}, "expected an object with anchor_sizes"),
    ({"anchor_sizes": SIZES, "sizes": 1}, "anchor_ratios, anchor_steps, anchor_offset"),
    ({"anchor_sizes": SIZES[:5]}, "anchor_sizes needs a list with one entry for each of the net's 6 layers"),
    ({"anchor_sizes": [*SIZES[:5], [10]]}, r"anchor_sizes\[5\] is \[10\]"),
    ({"anchor_sizes": [*SIZES[:5], [10, -1]]}, r"anchor_sizes\[5\] is \[10, -1\]"),
    ({"anchor_sizes": [*SIZES[:5], [10, float("nan")]]}, r"anchor_sizes\[5\]"),
    ({"anchor_sizes": SIZES, "anchor_ratios": [[2]] * 5 + [[0]]}, r"anchor_ratios\[5\] is \[0\]"),
    ({"anchor_sizes": SIZES, "anchor_ratios": [[2]] * 5 + ["2"]}, r"anchor_ratios\[5\] is 2"),
    ({"anchor_sizes": SIZES, "anchor_steps": [8, 16]}, "anchor_steps needs a list"),
    ({"anchor_sizes": SIZES, "anchor_steps": [8, 16, 32, 64, 100, True]}, "anchor_steps is"),
    ({"anchor_sizes": SIZES, "anchor_offset": "half"}, "anchor_offset is 'half'"),
])
def test_bad_files_are_refused_by_name_and_field(tmp_path, content, message):
    path = tmp_path / "anchors.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(tfe.InputError, match=message) as caught:
        anchor_sets.anchor_params(path, PARAMS)
    assert str(path) in str(caught.value)


def test_neither_name_nor_file():
    with pytest.raises(tfe.InputError, match="'vok': neither voc, coco nor a file"):
        anchor_sets.anchor_params("vok", PARAMS)
