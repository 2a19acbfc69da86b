"""Exit codes and messages of the scripts, seen from outside: a small script in a process of its own."""
import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tf_extended import console

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
sys.path.insert(0, "tf_extended")  # the module alone: importing the package would start TensorFlow each time
import console
from absl import flags
flags.DEFINE_string("do", "nothing", "What to do.")
flags.DEFINE_float("rate", 1.0, "A rate.", lower_bound=0.0)
flags.DEFINE_list("folders", [], "Folders.")
flags.DEFINE_integer("number", 1, "A number.", lower_bound=1)
def main():
    what = flags.FLAGS.do
    if what == "input": raise console.InputError("the file x is bad; mend it")
    if what == "run": raise console.RunError("the run failed\\ntry again")
    if what == "disk": raise OSError(28, "No space left on device", "somewhere")
    if what == "name": open("n" * 300)
    if what == "bug": raise KeyError("oops")
    if what == "stop": raise KeyboardInterrupt
    if what == "talk":
        for _ in range(20_000): console.say("a line"), console.complain("another")
        open(flags.FLAGS.folders[0], "w").write("the work was done")
    console.say(" ".join(["done", str(flags.FLAGS.number), *flags.FLAGS.folders]))
console.run_script(main, flags.FLAGS, "What this script is for.")
"""


def run(*arguments, **environment):
    return subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=False,
                          cwd=PROJECT, env={**os.environ, **environment})


def test_work_goes_on_when_nobody_reads(tmp_path):
    """`script | head`, where standard error goes the same way."""
    with subprocess.Popen([sys.executable, "-c", SCRIPT, "--do=talk", f"--folders={tmp_path / 'file'}"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=PROJECT) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0
    assert (tmp_path / "file").read_text() == "the work was done"


def test_work_goes_on_when_the_disk_of_the_log_is_full(tmp_path):
    with Path("/dev/full").open("w") as log:
        done = subprocess.run([sys.executable, "-c", SCRIPT, "--do=talk", f"--folders={tmp_path / 'file'}"],
                              stdout=log, stderr=subprocess.PIPE, text=True, cwd=PROJECT, check=False)
    assert (done.returncode, (tmp_path / "file").read_text()) == (0, "the work was done")
    assert done.stderr.count("WARNING: the log cannot be written (No space left on device): going on") == 1


def test_a_log_goes_on_where_its_disk_has_room_again(tmp_path, capfd, monkeypatch):
    failing = [True]

    class Stream(io.TextIOWrapper):
        def flush(self):
            if failing:
                failing.clear()
                raise OSError(errno.ENOSPC, "No space left on device")
            super().flush()

    console._tell_full.cache_clear()
    with (tmp_path / "log").open("wb") as log, Stream(log) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        console.say("lost")
        console.say("kept")
    assert (tmp_path / "log").read_text() == "kept\n"
    assert capfd.readouterr().err.count("WARNING: the log cannot be written (No space left on device)") == 1


@pytest.mark.parametrize(("arguments", "status", "out", "err"), [
    (["--number=3"], 0, "done 3", ""),
    (["--folders=~/a,b~,~"], 0, f"done 1 {Path.home()}/a b~ ~", ""),
    (["--do=input"], 2, "", "error: the file x is bad; mend it\n"),
    (["--do=run"], 1, "", "error: the run failed\ntry again\n"),
    (["--do=disk"], 1, "", "No space left on device"),
    (["--do=bug"], 1, "", "--verbosity=1"),
    (["--do=stop"], 1, "", "interrupted"),
    (["--folders=a," + "n" * 300], 2, "", "nnn: longer than a file's name can be"),
    (["--do=name"], 1, "", "File name too long"),
    (["--only_check_args"], 2, "", "--only_check_args has no effect here. Leave it out."),
    (["--log_dir=x"], 2, "", "--log_dir has no effect here"),
    (["--no_such_flag=1"], 2, "", "no_such_flag"),
    (["--number=abc"], 2, "", "--number"),
    (["--number=0"], 2, "", "number"),
    (["--rate=nan"], 2, "", "--rate=nan: expected a finite number"),
    (["--rate=inf"], 2, "", "--rate=inf: expected a finite number"),
    (["--rate=1e39"], 2, "", "--rate=1e+39: expected a finite number"),
    (["stray"], 2, "", "unexpected argument 'stray'"),
    (["--help"], 0, "What this script is for.", ""),
])
def test_exit_codes(arguments, status, out, err):
    found = run(*arguments)
    assert found.returncode == status
    assert out in found.stdout
    assert err in found.stderr
    assert "Traceback" not in found.stderr
    if status == 2:
        assert found.stderr.count("\n") == 1
        assert found.stdout == ""


def test_letters_that_the_output_lacks_end_nothing():
    found = run("--folders=\u4e2d", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert (found.returncode, found.stderr) == (0, "")
    assert "\\u4e2d" in found.stdout


def test_help_shows_the_scripts_flags_and_no_others():
    text = run("--help").stdout
    assert all(f"--{name}:" in text for name in ("do", "rate", "folders", "number", "verbosity"))
    assert "pdb" not in text and "logtostderr" not in text
    assert run("--helpshort").stdout == text


def test_flags_may_stand_in_a_file(tmp_path):
    (tmp_path / "flags").write_text("--number=3\n")
    assert run(f"--flagfile={tmp_path / 'flags'}").stdout == "done 3\n"


def test_a_developer_sees_the_traceback():
    found = run("--do=bug", "--verbosity=1")
    assert found.returncode == 1
    assert "Traceback" in found.stderr


@pytest.mark.parametrize(("count", "noun", "text"), [
    (1, "class", "1 class"), (2, "class", "2 classes"), (0, "image", "0 images"), (1, "image", "1 image")])
def test_amount(count, noun, text):
    assert console.amount(count, noun) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (48.4, "48s"), (200, "3m20s"), (7500, "2h05m")])
def test_duration(seconds, text):
    assert console.duration(seconds) == text


def test_progress_yields_everything_and_tells_the_end(capsys):
    assert list(console.progress(iter("abc"), 3, "reading")) == ["a", "b", "c"]
    assert "reading: 3/3 images" in capsys.readouterr().out
    assert list(console.progress([], 0, "reading")) == []
