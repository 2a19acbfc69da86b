import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datasets import workers
from datasets.workers import Workers
from tf_extended.console import RunError

PROJECT = Path(__file__).resolve().parents[2]


def test_one_worker_is_this_process():
    with Workers(1) as running:
        assert set(running.map(lambda _: os.getpid(), range(3))) == {os.getpid()}


def test_order_and_exceptions_pass_through():
    with Workers(2) as running:
        assert list(running.map(divmod_by_seven, range(100))) == [divmod(number, 7) for number in range(100)]
        assert list(running.map(divmod_by_seven, [])) == []
        with pytest.raises(TypeError):
            list(running.map(divmod_by_seven, ["x"]))


@pytest.mark.parametrize(("folder", "fits"), [("/tmp", True), ("/tmp/" + "u" * 90, False), ("/tmp/" + "ü" * 40, False)])
def test_the_fork_server_s_socket_needs_a_short_path(folder, fits, monkeypatch):
    """Where it is too long, in bytes, workers are started without the server, which takes seconds more."""
    monkeypatch.setattr(workers, "gettempdir", lambda: folder)
    assert workers._fork_server_works() is fits


def test_ctrl_c_is_left_to_the_parent():
    with Workers(2) as running:
        assert list(running.map(interrupt_handler, range(3))) == [signal.SIG_IGN] * 3


def interrupt_handler(_):
    return signal.getsignal(signal.SIGINT)


def divmod_by_seven(number):
    return divmod(number, 7)


def kill_itself(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_ends_the_run():
    with Workers(2) as running, pytest.raises(RunError, match="--num_workers=1"):
        list(running.map(kill_itself, range(4)))


ORPHANS = """
import os, time
from datasets.workers import Workers

def pid(_):
    time.sleep(.2)
    return os.getpid()

if __name__ == "__main__":
    with Workers(2) as running:
        print(*set(running.map(pid, range(6))), flush=True)
        time.sleep(60)
"""


@pytest.mark.slow
def test_no_worker_outlives_a_killed_parent(tmp_path):
    (tmp_path / "orphans.py").write_text(ORPHANS)
    process = subprocess.Popen([sys.executable, str(tmp_path / "orphans.py")], cwd=PROJECT, stdout=subprocess.PIPE,
                               text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    pids = [int(text) for text in process.stdout.readline().split()]
    assert pids and all(Path(f"/proc/{pid}").exists() for pid in pids)
    process.kill()
    process.wait()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until
        time.sleep(.05)
