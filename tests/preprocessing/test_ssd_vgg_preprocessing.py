"""Training and evaluation samples: golden values, pixels against boxes, degenerate pictures."""
import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

import tf_extended as tfe
from preprocessing.augmentation import AUGMENTATIONS, NONE, PAPER, SLIM
from preprocessing.ssd_vgg_preprocessing import Resize, preprocess_for_eval, preprocess_image
from preprocessing.tf_image import VGG_MEANS, unwhiten
from preprocessing.windows import DistortedCrop
from tests.preprocessing.running import OUT, draw, run, sample, sample_each
from tests.shared_data import DATA, GOLDEN, needs_shared
from tf_extended.compat import tf

MIXTURE = replace(PAPER, crop=DistortedCrop(), colours=SLIM.colours, interpolation=("area",))
RECIPES = {**AUGMENTATIONS, "mixture": MIXTURE}
# Where colours do not matter: XLA compiles their loops for a second in each graph.
COLOURLESS = {name: replace(recipe, colours=None) for name, recipe in RECIPES.items()}


def golden_cases():
    return [(image, mode) for image in ("raccoon-1", "raccoon-10") for mode in ("NONE", "CENTRAL_CROP", "WARP_RESIZE")]


@needs_shared
@pytest.mark.parametrize("name, mode", golden_cases())
@pytest.mark.parametrize("suffix", ["", "nodiff_"])
def test_evaluation_is_the_documented_one(name, mode, suffix):
    golden = np.load(GOLDEN / "preprocess_eval.npz")
    encoded = next((DATA / "raccoon" / "JPEGImages").glob(f"{name}.*")).read_bytes()
    difficults = golden[f"{name}_in_difficults"] if suffix else None

    def build(encoded, labels, bboxes):
        image = tf.image.decode_jpeg(encoded, channels=3)
        return preprocess_for_eval(image, labels, bboxes, (300, 300), difficults=difficults, resize=Resize[mode])

    image, labels, bboxes, bbox_img = run(
        build, np.array(encoded, object), golden[f"{name}_in_labels"], golden[f"{name}_in_bboxes"])
    key = f"{name}_{mode}_"
    np.testing.assert_array_equal(labels, golden[f"{key}{suffix}labels"])
    np.testing.assert_allclose(bboxes, golden[f"{key}{suffix}bboxes"], atol=1e-6)
    np.testing.assert_allclose(bbox_img, golden[f"{key}{suffix}bbox_img"], atol=1e-6)
    assert list(image.shape) == list(golden[f"{key}shape"])
    np.testing.assert_allclose(image[::10, ::10], golden[f"{key}small"], atol=0.5)
    statistics = [image.mean(), image.std(), image.min(), image.max()]
    np.testing.assert_allclose(statistics, golden[f"{key}meanstd"], atol=0.5)


def test_modes_are_numbered_as_the_flag_documents():
    assert {mode.name: mode.value for mode in Resize} == {
        "NONE": 1, "CENTRAL_CROP": 2, "PAD_AND_RESIZE": 3, "WARP_RESIZE": 4}
    with pytest.raises(tfe.InputError, match="interpolation 'cubic': expected one of .*bicubic"):  # also where unused
        preprocess_for_eval(tf.zeros([2, 2, 3]), None, None, (2, 2), resize=Resize.NONE, interpolation="cubic")
    with pytest.raises(tfe.InputError, match=r"resize 7: .*4 \(WARP_RESIZE\)"):
        run(lambda i: preprocess_for_eval(i, None, None, OUT, resize=7), np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("height, width, place", [
    (120, 80, (0, 20, 60, 60)),      # halved to 60 x 40, 20 columns on both sides
    (60, 320, (22, 0, 37, 80)),      # a quarter, 15 x 80: 22 rows above, 23 below
    (30, 50, (15, 15, 45, 65)),      # never enlarged
    (60, 80, (0, 0, 60, 80)),
    (1, 1, (29, 39, 30, 40)),
    (3000, 1, (0, 39, 60, 40)),      # no side goes below a pixel
])
def test_pad_and_resize_fits_the_picture_in(height, width, place):
    image = np.full((height, width, 3), 255, np.uint8)
    out, _, bboxes, bbox_img = run(
        lambda i, b: preprocess_for_eval(i, tf.constant([1]), b, OUT, resize=Resize.PAD_AND_RESIZE),
        image, np.float32([[0, 0, 0.5, 1]]))
    ys, xs = np.nonzero(out[..., 0])
    assert (ys.min(), xs.min(), ys.max() + 1, xs.max() + 1) == place
    expected = np.array(place) / [60, 80, 60, 80]
    np.testing.assert_allclose(bbox_img, expected, atol=1e-6)
    middle = (expected[0] + expected[2]) / 2
    np.testing.assert_allclose(bboxes, [[expected[0], expected[1], middle, expected[3]]], atol=1e-6)


@pytest.mark.parametrize("mode", list(Resize))
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_detection_needs_no_ground_truth(mode, data_format):
    image, labels, bboxes, bbox_img = draw(
        lambda i: [x if x is not None else tf.constant(-1) for x in preprocess_for_eval(
            i, None, None, OUT, data_format, resize=mode)], np.zeros((40, 50, 3), np.uint8), times=1)[0]
    size = (40, 50) if mode == Resize.NONE else OUT
    assert image.shape == ((*size, 3) if data_format == "NHWC" else (3, *size))
    assert labels == -1 and bboxes.shape == (0, 4) and bbox_img.shape == (4,)


def test_the_interpolation_decides_whether_pixels_lie_where_their_boxes_do():
    # A smooth bump around the point 60 of 100, where pixel i covers i to i + 1.
    bump = 255 * np.exp(-((np.arange(100) + 0.5 - 60) / 9) ** 2)
    image = np.tile(bump[None, :, None], (100, 1, 3)).astype(np.float32)
    centre = {}
    for name in ("bilinear", "bilinear_slim"):
        out = run(lambda i, n=name: preprocess_for_eval(i, None, None, (40, 40), interpolation=n)[0], image)
        weight = (out[..., 0] + VGG_MEANS[0]).sum(0)
        centre[name] = (weight * (np.arange(40) + 0.5)).sum() / weight.sum() / 40
    assert abs(centre["bilinear"] - 0.6) < 1e-4
    # Output pixel i looks at 2.5 i instead of 2.5 i + 0.75: what it shows lies .75 source pixels too far right.
    assert abs(centre["bilinear_slim"] - 0.6075) < 1e-4


def test_detections_go_back_to_the_original_picture():
    box = np.float32([[0.2, 0.3, 0.6, 0.7]])
    for mode in Resize:
        back = run(lambda i, b, mode=mode: _there_and_back(i, b, mode), np.zeros((90, 70, 3), np.uint8), box)
        np.testing.assert_allclose(back, box, atol=1e-5)


def _there_and_back(image, bboxes, mode):
    _, _, bboxes, bbox_img = preprocess_for_eval(image, tf.constant([1]), bboxes, OUT, resize=mode)
    return tfe.bboxes_resize(bbox_img, bboxes)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("images", [
    [np.zeros((1, 1, 3), np.uint8), np.full((1, 200, 3), 255, np.uint8), np.zeros((333, 1, 3), np.uint8),
     np.repeat(np.arange(30 * 40, dtype=np.uint8).reshape(30, 40, 1), 3, axis=2)],
    [np.full((9, 9, 3), 7.5, np.float32)],
], ids=["pixel, row, column, grey", "float"])
def test_odd_pictures(recipe, images):
    boxes = [[0, 0, 1, 1], [0.2, 0.2, 0.6, 0.7]]
    for out, labels, bboxes in itertools.chain(*sample_each(images, boxes, RECIPES[recipe], times=8)):
        assert out.shape == (*OUT, 3) and out.dtype == np.float32 and np.isfinite(out).all()
        assert len(labels) == len(bboxes)


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_degenerate_box_survives_and_others_are_clipped(recipe):
    boxes = [[0, 0, 0, 0], [0.5, 0.5, 0.5, 0.9], [1, 1, 1, 1], [0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1],
             [-0.2, 0.3, 0.4, 1.3], [0.7, 0.2, 0.6, 0.4], [-0.3, -0.3, -0.1, -0.1], [1.1, 0.2, 1.3, 0.4],
             [0.2, 0.6, 0.4, 0.6]]
    seen = set()
    for _, labels, bboxes in sample(np.zeros((50, 60, 3), np.uint8), boxes, COLOURLESS[recipe], times=40):
        assert bboxes.dtype == np.float32 and (bboxes >= 0).all() and (bboxes <= 1).all()
        assert ((bboxes[:, 2:] - bboxes[:, :2]) > 0).all()
        seen |= set(labels.tolist())
    assert seen == {4, 5, 6}


@pytest.mark.parametrize("recipe", RECIPES)
def test_pictures_without_objects(recipe):
    for out, labels, bboxes in sample(np.zeros((50, 60, 3), np.uint8), [], RECIPES[recipe]):
        assert out.shape == (*OUT, 3) and np.isfinite(out).all()
        assert labels.shape == (0,) and bboxes.shape == (0, 4)


@pytest.mark.parametrize("recipe", RECIPES)
def test_boxes_lie_where_their_pixels_do(recipe):
    """A white object on black: after any augmentation its box is that of the white pixels, to about a pixel."""
    image, worst = np.zeros((200, 260, 3), np.uint8), 0.0
    image[60:140, 90:190] = 255
    box = [60 / 200, 90 / 260, 140 / 200, 190 / 260]
    drawn = sample(image, [box], COLOURLESS[recipe], times=60, out=(150, 150))
    for out, _, bboxes in (one for one in drawn if len(one[2])):
        # Where the zoom-out filled, the picture's white is told from the mean by its value.
        ys, xs = np.nonzero(unwhiten(out).min(-1) > 140)
        found = np.array([ys.min(), xs.min(), ys.max() + 1, xs.max() + 1])
        worst = max(worst, np.abs(found - bboxes[0] * 150).max())
    assert 0.0 < worst < 1.6


def test_without_augmentation_training_is_evaluation():
    image = cv2.GaussianBlur(np.random.RandomState(0).randint(0, 256, (70, 90, 3)).astype(np.uint8), (0, 0), 2)
    boxes = np.float32([[0.1, 0.2, 0.5, 0.6]])
    (out, labels, bboxes), = sample(image, boxes, NONE, times=1)
    np.testing.assert_allclose(out, run(lambda i: preprocess_for_eval(i, None, None, OUT)[0], image), atol=1e-3)
    np.testing.assert_allclose(bboxes, boxes, atol=1e-6)
    np.testing.assert_array_equal(labels, [1])


@pytest.mark.parametrize(("piece", "here", "mirrored"), [
    ("flip", [0, 0, 1, 0.5], [0, 0.5, 1, 1]), ("vertical_flip", [0, 0, 0.5, 1], [0.5, 0, 1, 1])])
def test_half_of_the_pictures_are_mirrored(piece, here, mirrored):
    image = np.zeros((20, 20, 3), np.uint8)
    image[:int(20 * here[2]), :int(20 * here[3])] = 255
    drawn = sample(image, [here], replace(NONE, **{piece: 0.5}), times=100)
    stayed = [out[5, 5, 0] > 0 for out, _, _ in drawn]
    assert 30 < sum(stayed) < 70
    for is_here, (_, _, bboxes) in zip(stayed, drawn, strict=True):
        np.testing.assert_allclose(bboxes, [here if is_here else mirrored], atol=1e-6)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_graph_level_seed_decides(recipe):
    image = np.random.RandomState(0).randint(0, 256, (50, 60, 3)).astype(np.uint8)
    first, again, other = (sample(image, [[0.1, 0.1, 0.9, 0.9]], RECIPES[recipe], times=6, seed=s) for s in (5, 5, 6))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[2], b[2])
    same = [np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=True)]
    assert all(same) == (recipe == "none")


def test_layouts_agree():
    image = np.random.RandomState(0).randint(0, 256, (50, 60, 3)).astype(np.uint8)
    always = replace(NONE, flip=1.0)
    (last, _, last_boxes), = sample(image, [[0.1, 0.1, 0.9, 0.8]], always, times=1)
    (first, _, first_boxes), = sample(image, [[0.1, 0.1, 0.9, 0.8]], always, times=1, data_format="NCHW")
    np.testing.assert_array_equal(first.transpose(1, 2, 0), last)
    np.testing.assert_array_equal(first_boxes, last_boxes)


def test_static_shapes_are_set():
    with tf.Graph().as_default():
        image, labels, bboxes = map(tf.placeholder, (tf.uint8, tf.int64, tf.float32), ([None] * 3, None, None))
        for data_format, shape in [("NHWC", [300, 300, 3]), ("NCHW", [3, 300, 300])]:
            for recipe in COLOURLESS.values():
                out, out_labels, out_bboxes = preprocess_image(
                    image, labels, bboxes, (300, 300), data_format, is_training=True, augmentation=recipe)
                assert out.get_shape().as_list() == shape
                assert out_labels.get_shape().as_list() == [None] and out_bboxes.get_shape().as_list() == [None, 4]
            for mode in (Resize.CENTRAL_CROP, Resize.PAD_AND_RESIZE, Resize.WARP_RESIZE):
                out, *_ = preprocess_image(image, None, None, (300, 300), data_format, resize=mode)
                assert out.get_shape().as_list() == shape


@pytest.mark.parametrize("shape, out, data_format, message", [
    ((2, 5, 5, 3), OUT, "NHWC", "height, width, 3"), ((5, 5, 3), (0, 4), "NHWC", "at least one pixel"),
    ((5, 5, 3), OUT, "HWC", "NHWC or NCHW")])
def test_wrong_arguments_are_told(shape, out, data_format, message):
    for is_training in (True, False):
        with pytest.raises(ValueError, match=message):
            run(lambda i, t=is_training: preprocess_image(
                i, tf.constant([1]), tf.zeros([1, 4]), out, data_format, is_training=t), np.zeros(shape, np.uint8))
