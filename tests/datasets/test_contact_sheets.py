import cv2
import numpy as np
import pytest

from datasets.browsing import MATCHED, UNMATCHED, decode, read_samples, save_augmented, save_ground_truth
from datasets.contact_sheets import COLUMNS, ROWS, SIDE, Mark, Tile, contact_sheet, draw_tile, palette, save_sheets
from datasets.pascalvoc_to_tfrecords import run
from tests.datasets.test_anchor_fit import LAYERS
from tests.datasets.voc_cases import in_xml, make_voc_folder, picture_pixels

GREY = np.full((100, 200, 3), 90, np.uint8)
RED, GREEN = (255, 0, 0), (0, 255, 0)


def where(image, colour):
    """Rows and columns of the pixels that have the colour exactly."""
    return np.nonzero((image == colour).all(axis=-1))


def test_a_box_is_drawn_where_it_is():
    """The picture is 200 × 100 on a tile of 320: scaled by 1.6."""
    drawn = draw_tile(Tile(GREY, [Mark((.25, .5, .75, 1.0), RED, "", 1)], ""))
    rows, columns = where(drawn, RED)
    assert (rows.min(), rows.max(), columns.min()) == (40, 120, 160)
    assert drawn[80, 250].tolist() == [90, 90, 90]


def test_the_caption_stands_under_the_picture():
    plain, captioned = (draw_tile(Tile(GREY, [], caption)) for caption in ("", "caption"))
    np.testing.assert_array_equal(plain[:SIDE], captioned[:SIDE])
    assert (plain[SIDE:] != captioned[SIDE:]).any()


@pytest.mark.parametrize(("width", "written"), [(29, False), (30, True)])
def test_a_name_that_would_hide_its_box_is_left_out(width, written):
    box = (.2, .2, .5, .2 + width / SIDE)
    bare, named = (draw_tile(Tile(GREY, [Mark(box, RED, text)], "")) for text in ("", "name"))
    assert (bare != named).any() == written


@pytest.mark.parametrize("box", [(-.5, -.5, 1.5, 1.5), (0, 0, 0, 0), (2, 2, 3, 3), (-1e9, -1e9, 1e9, 1e9)])
def test_boxes_beyond_the_picture_do_no_harm(box):
    assert draw_tile(Tile(GREY, [Mark(box, RED, "name")], "caption")).shape == (SIDE + 20, SIDE, 3)


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3)])
def test_pictures_of_any_shape_fit(shape):
    tile = Tile(np.zeros((*shape, 3), np.uint8), [], "größe 大")
    assert draw_tile(tile).shape == (SIDE + 20, SIDE, 3)


def test_colours_differ():
    assert len({palette(number) for number in range(40)}) == 40


def test_sheets_hold_all_tiles_and_replace_older_ones(tmp_path):
    tiles = [Tile(GREY, [Mark((.2, .2, .8, .8), GREEN, "x")], str(number)) for number in range(COLUMNS * ROWS + 1)]
    assert [path.name for path in save_sheets(tmp_path, "s", tiles, [("x", GREEN)])] == ["s_00.png", "s_01.png"]
    assert cv2.imread(str(tmp_path / "s_00.png")).shape[0] > cv2.imread(str(tmp_path / "s_01.png")).shape[0]
    (tmp_path / "s_2019.png").write_text("somebody's own")
    save_sheets(tmp_path, "s", tiles[:2], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s_00.png", "s_2019.png"]


def test_sheets_are_equally_wide_however_few_their_tiles():
    one, row = (contact_sheet([Tile(GREY, [], "")] * count, []) for count in (1, COLUMNS))
    assert one.shape == row.shape


def test_names_of_a_legend_stand_side_by_side():
    sheet = contact_sheet([Tile(GREY, [], "")], [("cat", RED), ("dog", GREEN)]).astype(int)
    reddish, greenish = (np.nonzero(sheet[..., i] > 2 * sheet[..., 1 - i])[1] for i in (0, 1))
    assert 0 < reddish.max() < greenish.min()


def test_long_legends_take_several_lines():
    legend = [(f"class number {number}", GREEN) for number in range(40)]
    assert contact_sheet([Tile(GREY, [], "")], legend).shape[0] > contact_sheet([Tile(GREY, [], "")], []).shape[0] + 40


@pytest.fixture
def shards(tmp_path):
    source = make_voc_folder(tmp_path / "voc", "bad", *"abcdefg")
    in_xml("<difficult>0", "<difficult>1")(source)
    run(source, tmp_path / "out", "a_b", samples_per_file=3)
    return [str(path) for path in sorted((tmp_path / "out").glob("*.tfrecord"))]


def test_samples_come_from_all_over_the_set(shards):
    boxes, samples = read_samples(shards, 8, 3, {8})
    assert [len(one) for one in boxes] == [2] * 8
    assert [sample.filename for sample in samples] == ["a", "d", "g"]
    assert len(read_samples(shards, 8, 99, {8})[1]) == 8
    # Two JPEG decoders differ by little.
    assert np.abs(decode(samples[0])[..., ::-1].astype(int) - picture_pixels()).mean() < 2


def test_sheets_from_shards(shards, tmp_path):
    names = {0: "none", **dict.fromkeys(range(1, 21), "cat")}
    samples = read_samples(shards, 8, 8, names)[1]
    truth = save_ground_truth(tmp_path, samples, names)
    assert len(where(cv2.imread(str(truth[0]))[..., ::-1], palette(8))[0]) > 1000
    augmented = [(decode(sample), sample.labels, sample.bboxes) for sample in samples]
    sheet = cv2.imread(str(save_augmented(tmp_path, augmented, names, LAYERS, 0.05)[0]))[..., ::-1]
    assert len(where(sheet, MATCHED)[0]) > 1000
    none = cv2.imread(str(save_augmented(tmp_path, augmented, names, LAYERS, 0.99)[0]))[..., ::-1]
    assert len(where(none, UNMATCHED)[0]) > 1000 > len(where(sheet, UNMATCHED)[0])
