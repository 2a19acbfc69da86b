"""The README's lines that sort pictures into a VOC folder and divide them, as they stand there."""
import re
from pathlib import Path

import pytest

from datasets.voc_folders import list_samples

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r'```sh\npython -c "\n(.*?)\n"\n```', README, flags=re.DOTALL)
SORTING, DIVIDING = ([text for text in SNIPPETS if word in text] for word in ("shutil.copy", "random.Random(1)"))


def follow(snippets, tmp_path):
    [text] = snippets
    assert not set('"$`') & set(text)  # what a shell would change
    for name in ("EXPORT", "FOLDER"):
        text = text.replace(f"'{name}'", repr(str(tmp_path / name)))
    exec(text, {})


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_an_export_is_sorted_with_a_list_for_each_of_its_folders(tmp_path):
    touch(tmp_path / "EXPORT", "a.xml", "a.jpg", "README.txt", "train/b.xml", "train/b.png", "train/._b.xml",
          "test/c.XML", "test/c.jpg", "test/d.jpg", "empty/e.txt")
    follow(SORTING, tmp_path)
    assert contents(tmp_path / "FOLDER") == {
        "Annotations/a.xml": "a.xml", "JPEGImages/a.jpg": "a.jpg", "Annotations/b.xml": "train/b.xml",
        "JPEGImages/b.png": "train/b.png", "Annotations/c.XML": "test/c.XML", "JPEGImages/c.jpg": "test/c.jpg",
        "ImageSets/Main/train.txt": "b", "ImageSets/Main/test.txt": "c"}


@pytest.mark.parametrize("others", ["test/0001", "0001", "test/A"])
def test_two_pictures_of_one_name_stop_the_sorting(others, tmp_path):
    """On some disks A and a are one name too."""
    touch(tmp_path / "EXPORT", "train/0001.xml", "train/0001.jpg", "train/a.xml", f"{others}.xml", f"{others}.png")
    with pytest.raises(SystemExit, match=f"(?i)^{Path(others).name} is in .*EXPORT.* and in .*EXPORT.*: rename its"):
        follow(SORTING, tmp_path)
    assert not (tmp_path / "FOLDER").exists()


def test_every_fifth_picture_is_for_the_test(tmp_path):
    names = [f"{number:02d}" for number in range(10)]
    touch(tmp_path / "FOLDER", *(f"Annotations/{name}.xml" for name in [*names[1:], *(f"._{name}" for name in names)]),
          "Annotations/00.XML", "JPEGImages/00.jpg")
    follow(DIVIDING, tmp_path)
    lists = {split: list_samples(tmp_path / "FOLDER", split) for split in ("test", "trainval")}
    assert [len(samples) for samples, _ in lists.values()] == [2, 8]
    assert sorted(sample.id for samples, _ in lists.values() for sample in samples) == names
    assert [findings for _, findings in lists.values()] == [[], []]
