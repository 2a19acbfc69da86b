"""From shards and a checkpoint to scores: every picture once, in the right place, whatever the batch."""
import time

import numpy as np
import pytest

from datasets.tfrecord_format import make_example
from preprocessing.ssd_vgg_preprocessing import Resize
from tests.tf_extended.evaluation.cases import assert_same_rows
from tests.tf_extended.evaluation.rectangles import (
    PICTURES,
    graph_maker,
    open_set,
    save_checkpoint,
    write_shards,
)
from tf_extended.compat import tf
from tf_extended.console import InputError, RunError
from tf_extended.evaluation.evaluator import Evaluator
from tf_extended.evaluation.restoring import CheckpointGoneError

WITH_OBJECT = [number for number, (_, box) in enumerate(PICTURES) if box is not None]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_set(write_shards(tmp_path_factory.mktemp("shards")))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("train") / "model.ckpt-7")


def evaluator(dataset, max_images=None, evaluator_options=None, **graph_options):
    return Evaluator(graph_maker(dataset, **graph_options), dataset.labels_to_names, dataset.num_samples,
                     max_images=max_images, **(evaluator_options or {}))


@pytest.mark.parametrize(("batch_size", "num_threads"), [(1, 1), (3, 1), (3, 4), (8, 2)])
def test_every_picture_once_whatever_the_batch(dataset, checkpoint, batch_size, num_threads):
    result = evaluator(dataset, batch_size=batch_size, num_threads=num_threads).evaluate(checkpoint)
    assert result.truth.image_ids == [f"picture {number}" for number in range(len(PICTURES))]
    assert result.truth.images.tolist() == WITH_OBJECT
    assert result.truth.bboxes.tolist() == [list(PICTURES[number][1]) for number in WITH_OBJECT]
    boxes = result.detections.labels == 1
    assert result.detections.images[boxes].tolist() == WITH_OBJECT
    assert result.scores.map07 == pytest.approx(1)
    assert result.scores.classes[1].ap07 is None
    assert (result.info["step"], result.info["checkpoint"]) == (7, checkpoint)
    assert set(result.info["seconds"]) == {"restoring", "input", "network", "post_processing", "scoring"}


@pytest.mark.parametrize("options", [{}, {"matching_threshold": 0.9}, {"remove_difficult": False}])
def test_vocs_figures_alone_are_those_of_a_whole_evaluation(dataset, checkpoint, options):
    ours = evaluator(dataset, batch_size=4, evaluator_options=options)
    scores, images = ours.score(checkpoint)
    whole = ours.evaluate(checkpoint)
    assert images == len(whole.truth.image_ids) and scores.map07 is not None
    for one, other in zip(scores.classes, whole.scores.classes, strict=True):
        np.testing.assert_equal(tuple(one), tuple(other))


@pytest.mark.parametrize("test_flips", ["none", "both"])
@pytest.mark.parametrize("resize", [Resize.CENTRAL_CROP, Resize.PAD_AND_RESIZE, Resize.WARP_RESIZE])
def test_boxes_come_back_to_the_picture(dataset, checkpoint, resize, test_flips):
    """A pixel or two of slack on each side where pictures are resampled; none where they are only cropped or padded."""
    result = evaluator(dataset, resize=resize, batch_size=4, test_flips=test_flips).evaluate(checkpoint)
    found = result.detections.bboxes[result.detections.labels == 1]
    # The net's box ends at the pixels' edges; VOC's box begins at the first pixel's number, one more.
    expected = np.array([PICTURES[number][1] for number in WITH_OBJECT]) - [1, 1, 0, 0]
    assert np.abs(found - expected).max() <= (1e-4 if resize == Resize.CENTRAL_CROP else 1.5)


def test_the_matching_threshold_and_the_callers_facts_reach_the_report(dataset, checkpoint):
    """The net's boxes are a pixel larger than VOC's above and to the left: an IoU of .97 at most."""
    options = {"evaluator_options": {"matching_threshold": 0.99}, "resize": Resize.CENTRAL_CROP}
    result = evaluator(dataset, **options).evaluate(checkpoint, {"net": "rectangles"})
    assert result.scores.map07 == 0
    assert result.info["net"] == "rectangles"
    options["evaluator_options"]["matching_threshold"] = 0.7
    assert evaluator(dataset, **options).evaluate(checkpoint).scores.map07 == pytest.approx(1)


def test_classes_that_only_the_net_knows_are_left_out(dataset, checkpoint):
    ours = Evaluator(graph_maker(dataset), {0: "none", 1: "box"}, dataset.num_samples)
    assert set(ours.evaluate(checkpoint).detections.labels.tolist()) == {1}
    assert set(evaluator(dataset).evaluate(checkpoint).detections.labels.tolist()) == {1, 2}


@pytest.mark.parametrize(("batch_size", "taken"), [(1, 4), (2, 4), (3, 6), (8, 8)])
def test_a_limit_takes_whole_batches_from_the_first_on(dataset, checkpoint, capsys, batch_size, taken):
    result = evaluator(dataset, max_images=4, batch_size=batch_size, num_threads=1).evaluate(checkpoint)
    assert result.truth.image_ids == [f"picture {number}" for number in range(taken)]
    assert "detecting: 4/4 images" in capsys.readouterr().out


def test_several_checkpoints_one_after_another(dataset, checkpoint, tmp_path):
    other = save_checkpoint(tmp_path / "model.ckpt-9", sure=0.5, step=9)
    ours = evaluator(dataset, batch_size=3)
    first = ours.evaluate(checkpoint)
    built = len(ours.graph.get_operations())
    second, third = (ours.evaluate(path) for path in (other, checkpoint))
    assert len(ours.graph.get_operations()) == built  # a training evaluates hundreds of times
    assert second.detections.scores.max() == pytest.approx(0.5)
    assert second.info["step"] == 9
    assert_same_rows(first.detections, third.detections)


def test_moving_averages(dataset, checkpoint, tmp_path, capsys):
    averaged = save_checkpoint(tmp_path / "model.ckpt-1", sure=0.9, average=0.4)
    options = {"moving_average_decay": 0.99}
    ours = evaluator(dataset, evaluator_options=options)
    assert ours.evaluate(averaged).detections.scores.max() == pytest.approx(0.4)
    assert "NOTE" not in capsys.readouterr().out
    for _ in range(2):
        assert evaluator(dataset).evaluate(averaged).detections.scores.max() == pytest.approx(0.9)
    assert capsys.readouterr().out.count("--moving_average_decay, with the training's value, takes them instead") == 1
    for decay in (0.99, 0.0):
        with pytest.raises(InputError, match="holds no moving averages"):
            evaluator(dataset, evaluator_options={"moving_average_decay": decay}).evaluate(checkpoint)


def test_difficult_objects(tmp_path, checkpoint):
    dataset = open_set(write_shards(tmp_path, difficult=(0, 1)))
    by_voc = evaluator(dataset).evaluate(checkpoint).scores.classes[0]
    assert (by_voc.objects, by_voc.difficult) == (5, 2)
    ordinary = evaluator(dataset, evaluator_options={"remove_difficult": False}).evaluate(checkpoint).scores.classes[0]
    assert (ordinary.objects, ordinary.difficult) == (7, 0)


def test_one_picture_without_objects(tmp_path, checkpoint):
    dataset = open_set(write_shards(tmp_path, pictures=[PICTURES[3]]))
    result = evaluator(dataset, batch_size=4).evaluate(checkpoint)
    assert result.truth.image_ids == ["picture 0"]
    assert result.scores.map07 is None


def test_shards_without_ids(tmp_path, checkpoint):
    dataset = open_set(write_shards(tmp_path, with_ids=False))
    result = evaluator(dataset, batch_size=2).evaluate(checkpoint)
    assert result.truth.image_ids[:2] == ["000000", "000001"]
    assert result.scores.map07 == pytest.approx(1)


def test_a_count_that_is_not_the_data_sets(dataset, checkpoint):
    for limit in (None, 10):
        ours = Evaluator(graph_maker(dataset, batch_size=4), dataset.labels_to_names, 9, max_images=limit)
        with pytest.raises(RunError, match="hold 8 images, but the data set says 9"):
            ours.evaluate(checkpoint)


def test_what_stops_the_input_is_told(dataset, checkpoint, tmp_path):
    """The reader only sees that its queue has ended; the cause comes from the thread behind it."""
    with pytest.raises(RunError, match=r"(?s)stopped after \d of 8 images.*every picture must have the network's size"):
        evaluator(dataset, resize=Resize.NONE, batch_size=2).evaluate(checkpoint)
    write_shards(tmp_path)
    shard = tmp_path / "rect_test_001.tfrecord"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for number in (2, 3):
            example = make_example(b"no picture", "PNG", 9, 9, f"picture {number}", [], [], [], [], [])
            writer.write(example.SerializeToString())
    with pytest.raises(RunError, match=r"stopped after \d of 8 images"):
        evaluator(open_set(tmp_path)).evaluate(checkpoint)


def test_a_checkpoint_that_does_not_fit(dataset, tmp_path):
    for name, value in (("net/sure", [1.0, 2.0]), ("other", 1.0)):
        with tf.Graph().as_default(), tf.Session() as session:
            variable = tf.Variable(value, name=name)
            session.run(variable.initializer)
            tf.train.Saver().save(session, str(tmp_path / name.replace("/", "_")))
    ours = evaluator(dataset)
    with pytest.raises(InputError, match=r"another shape, the first is net/sure: \[2\] there, \[\] here"):
        ours.evaluate(str(tmp_path / "net_sure"))
    with pytest.raises(InputError, match="lacks 1 of the net's 1 variables, the first is net/sure"):
        ours.evaluate(str(tmp_path / "other"))


@pytest.mark.parametrize("dtype", [tf.float16, tf.float64, tf.int64])
def test_a_checkpoint_of_another_type(dataset, tmp_path, dtype):
    other = save_checkpoint(tmp_path / "model.ckpt-7", sure=1, dtype=dtype)
    with pytest.raises(InputError, match=rf"another type, the first is net/sure: {dtype.name} there, float32 here. "
                                         rf"Make .*--checkpoint_path={other} --learning_rate=0"):
        evaluator(dataset).evaluate(other)


def test_a_checkpoint_that_is_not_finite(dataset, tmp_path):
    ruined = save_checkpoint(tmp_path / "model.ckpt-7", sure=np.nan)
    with pytest.raises(InputError, match=f"{ruined} is ruined: its values for net/sure are not finite"):
        evaluator(dataset).evaluate(ruined)


def test_a_checkpoint_that_is_gone(dataset, checkpoint, tmp_path):
    ours = evaluator(dataset)
    with pytest.raises(CheckpointGoneError, match=r"model.ckpt-3 is not there any more.*--max_to_keep"):
        ours.evaluate(str(tmp_path / "model.ckpt-3"))
    cut = save_checkpoint(tmp_path / "model.ckpt-4")
    data, = tmp_path.glob("model.ckpt-4.data-*")
    for damage in (lambda: data.write_bytes(data.read_bytes()[:5]), lambda: data.write_bytes(b""), data.unlink):
        damage()
        with pytest.raises(CheckpointGoneError, match="model.ckpt-4 cannot be "):
            ours.evaluate(cut)
    # And it goes on with the next.
    assert ours.evaluate(checkpoint).scores.map07 == pytest.approx(1)


@pytest.mark.parametrize("master", ["nosuchmachine", "grpc://", "grpc://localhost:1"])
def test_a_server_that_is_none(dataset, checkpoint, master):
    with pytest.raises(InputError, match=f"--master={master} cannot be connected to: .*grpc://HOST:PORT"):
        evaluator(dataset, evaluator_options={"master": master}).evaluate(checkpoint)


def test_more_pictures_than_the_data_set_says(dataset, checkpoint):
    ours = Evaluator(graph_maker(dataset, batch_size=4), dataset.labels_to_names, 7)
    with pytest.raises(RunError, match="hold 8 images, but the data set says 7"):
        ours.evaluate(checkpoint)


def test_the_stages_take_no_longer_than_the_evaluation(dataset, checkpoint):
    start = time.perf_counter()
    seconds = evaluator(dataset).evaluate(checkpoint).info["seconds"]
    assert min(seconds.values()) >= 0
    assert sum(seconds.values()) <= time.perf_counter() - start + 0.005  # they are rounded
