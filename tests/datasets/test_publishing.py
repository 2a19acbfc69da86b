"""Killed at any moment, a conversion leaves the old set, the new set, or something that readers refuse."""
import contextlib
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datasets.dataset_factory import get_dataset
from datasets.pascalvoc_to_tfrecords import run
from datasets.publishing import publish
from datasets.split_files import description_name
from tests.datasets.voc_cases import make_voc_folder
from tf_extended import files
from tf_extended.console import InputError

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=["voc_2007_x", "own_x"])
def sets(request, tmp_path_factory):
    """(name, a folder with two samples in shards of one, a folder with three): a described family and VOC's."""
    folder = tmp_path_factory.mktemp("sets")
    for count, names in ((2, "ab"), (3, "abc")):
        run(make_voc_folder(folder / f"voc{count}", *names), folder / str(count), request.param, samples_per_file=1)
    return request.param, folder / "2", folder / "3"


def publish_killed(output, name, new, step):
    """Publish the new files in a child that kills itself at its n-th change; True if it was killed."""
    child = os.fork()
    if child == 0:
        done = iter(range(step))

        def until_killed(change):
            def changing(*arguments, **options):
                if next(done, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return change(*arguments, **options)
            return changing

        Path.rename, Path.unlink = until_killed(Path.rename), until_killed(Path.unlink)
        shutil.rmtree, shutil.copy = until_killed(shutil.rmtree), until_killed(shutil.copy)
        try:
            with publish(output, name, overwrite=True) as hidden:
                for path in new.iterdir():
                    shutil.copy(path, hidden)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("old", [True, False], ids=["over an old set", "into nothing"])
def test_killed_at_every_step(old, sets, tmp_path):
    name, two, three = sets
    family, split = name.rsplit("_", 1)
    seen = set()
    for step in range(100):
        output = tmp_path / str(step)
        if old:
            shutil.copytree(two, output)
        else:
            output.mkdir()
        killed = publish_killed(output, name, three, step)
        try:
            seen.add(get_dataset(family, split, str(output)).num_samples)
        except InputError:
            seen.add("refused")
        if not killed:
            break
        with publish(output, name, overwrite=True) as hidden:
            for path in three.iterdir():
                shutil.copy(path, hidden)
        assert sorted(path.name for path in output.iterdir()) == sorted(path.name for path in three.iterdir())
        assert get_dataset(family, split, str(output)).num_samples == 3
    assert not killed and 10 < step < 99
    assert seen == ({2, 3, "refused"} if old else {3, "refused"})


def test_two_conversions_of_one_name_do_not_mix(sets, tmp_path):
    name, _, three = sets
    with publish(tmp_path, name) as hidden:
        with pytest.raises(InputError, match="another process is converting"), publish(tmp_path, name):
            pass
        for path in three.iterdir():
            shutil.copy(path, hidden)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in three.iterdir()}


def test_what_a_kill_left_goes_also_where_there_are_no_locks(sets, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    name, two, _ = sets
    (tmp_path / f".{name}.partial-killed").mkdir()
    with publish(tmp_path, name) as hidden:
        for path in two.iterdir():
            shutil.copy(path, hidden)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in two.iterdir()}


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_synchronised_is_no_failure(number, passes, sets, tmp_path, monkeypatch):
    """Shared folders of virtual machines cannot; by then everything has its name. A disk that fails is one."""
    sync = os.fsync

    def refuse(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(number, os.strerror(number))
        sync(file)

    monkeypatch.setattr(os, "fsync", refuse)
    name, two, _ = sets
    with contextlib.nullcontext() if passes else pytest.raises(OSError), publish(tmp_path, name) as hidden:
        for path in two.iterdir():
            shutil.copy(path, hidden)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in two.iterdir()}


def test_an_error_leaves_what_was_there(sets, tmp_path):
    name, two, _ = sets
    output = shutil.copytree(two, tmp_path / "out")
    with pytest.raises(ZeroDivisionError), publish(output, name, overwrite=True) as hidden:
        (hidden / f"{name}_000.tfrecord").write_bytes(b"half")
        raise ZeroDivisionError
    assert {path.name: path.read_bytes() for path in output.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()}


def test_a_set_that_appeared_meanwhile_is_not_replaced(sets, tmp_path):
    """Another conversion of that name may have ended before this one wrote, or, unlocked, since."""
    name, two, three = sets
    output = tmp_path / "out"
    with pytest.raises(InputError, match=f"{name}.json: it exists already"), publish(output, name) as hidden:
        for path in three.iterdir():
            shutil.copy(path, hidden)
        shutil.copytree(two, output, dirs_exist_ok=True)
    with pytest.raises(InputError, match="it exists already.*--overwrite"), publish(output, name):
        pytest.fail("refused before anything is written")
    assert {path.name: path.read_bytes() for path in output.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()}


SLOW_CONVERSION = """
import sys, time
from datasets import pascalvoc_to_tfrecords, samples

def slowly(sample, labels, example=samples.sample_example):
    time.sleep(.05)
    return example(sample, labels)

if __name__ == "__main__":
    pascalvoc_to_tfrecords.sample_example = slowly
    pascalvoc_to_tfrecords.run(sys.argv[1], sys.argv[2], "voc_2007_x", samples_per_file=5)
"""


@pytest.mark.slow
def test_kill_9_in_the_middle_of_a_conversion(tmp_path):
    source = make_voc_folder(tmp_path / "voc", *(f"{number:02d}" for number in range(40)))
    output = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", SLOW_CONVERSION, source, output], cwd=PROJECT,
                               stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(list(output.glob(".*/*_001.tfrecord"))) < 1:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(.02)
    process.kill()
    process.wait()
    assert [path.name[:20] for path in output.iterdir()] == [".voc_2007_x.partial-"]
    with pytest.raises(InputError, match="no shard"):
        get_dataset("voc_2007", "x", str(output))
    run(source, output, "voc_2007_x", samples_per_file=5)
    run(source, tmp_path / "clean", "voc_2007_x", samples_per_file=5)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "clean").iterdir()}


def test_a_set_is_published_into_a_folder_that_is_made_with_those_above_it(tmp_path):
    folder = tmp_path / "sets" / "voc"
    with publish(folder, "voc_train") as hidden:
        (hidden / description_name("voc_train")).write_text("{}")
    assert [path.name for path in folder.iterdir()] == ["voc_train.json"]
