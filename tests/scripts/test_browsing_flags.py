"""What `--browse` draws: the samples of the recipe that was asked for, and the anchors that match by the flag."""
import numpy as np
import pytest

from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.voc_cases import encoded, make_voc_folder, picture_pixels
from tests.scripts.in_process import listen, load

LEVELS = {"a": 30, "b": 90, "c": 150, "d": 210}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Four grey pictures."""
    folder = make_voc_folder(tmp_path_factory.mktemp("grey") / "voc", *LEVELS)
    for name, level in LEVELS.items():
        (folder / f"JPEGImages/{name}.jpg").write_bytes(encoded(".jpg", np.full_like(picture_pixels(), level)))
    run(folder, folder / "shards", "grey_all")
    return folder / "shards"


def drawn(monkeypatch, shards, folder, **values):
    """What was to be drawn of the augmented samples: (the samples, the threshold of matching anchors)."""
    script = load(monkeypatch, "tf_convert_data.py", output_name="grey_all", output_dir=shards, browse=folder,
                  augmentation="none", **values)
    calls = listen(monkeypatch, script.browsing, "save_augmented", lambda *_: [])
    script.main()
    (call,) = calls
    return call["samples"], call["threshold"]


def test_anchors_are_drawn_that_match_by_the_flag(monkeypatch, shards, tmp_path):
    assert drawn(monkeypatch, shards, tmp_path, match_threshold=0.7)[1] == 0.7


def test_each_sample_is_one_picture(monkeypatch, shards, tmp_path):
    samples, _ = drawn(monkeypatch, shards, tmp_path)
    np.testing.assert_allclose([image.mean() for image, _, _ in samples], list(LEVELS.values()), atol=2)


def test_with_mosaic_it_is_joined_with_those_after_it(monkeypatch, shards, tmp_path):
    samples, _ = drawn(monkeypatch, shards, tmp_path, mosaic=1)
    sheet = list(LEVELS.values()) * 2
    for number, (image, labels, _) in enumerate(samples):
        quarters = [image[y, x].mean() for y in (75, 225) for x in (75, 225)]
        joined = list(dict.fromkeys(np.round(quarters, -1)))  # as they follow each other, row by row
        assert len(labels) == 2 * len(joined) and len(joined) in (2, 4)
        np.testing.assert_allclose(joined, sheet[number:number + len(joined)], atol=6)


def test_pictures_are_turned_when_asked(monkeypatch, shards, tmp_path):
    samples, _ = drawn(monkeypatch, shards, tmp_path, rotation=1)
    mean_colour = (123, 117, 104)
    filled = [np.all(image[[0, 0, -1, -1], [0, -1, 0, -1]] == mean_colour, 1).any() for image, _, _ in samples]
    assert all(filled)
