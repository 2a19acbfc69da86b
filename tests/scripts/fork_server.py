"""Scripts as processes of their own, forked from one that has imported TensorFlow, matplotlib and `small_net` already.

`finish(argv)` is `subprocess.run` for them; the import is half of what a refused flag costs, and dozens are refused.
Signals are sent to processes that tests start by `subprocess` themselves, as a user's shell does.
As a program (`python -m tests.scripts.fork_server`) it reads requests from stdin, one a line, forks for each, and
answers with its exit status, negative for a signal.
"""
import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def finish(argv: list) -> subprocess.CompletedProcess:
    """The finished process of `python argv…` in the project's folder (`-m MODULE …` works too), its output as text."""
    server = _start()
    with tempfile.TemporaryDirectory() as folder:
        output = [Path(folder) / name for name in ("stdout", "stderr")]
        request = {"argv": [str(part) for part in argv], "output": [str(path) for path in output]}
        server.stdin.write(f"{json.dumps(request)}\n")
        server.stdin.flush()
        answer = server.stdout.readline()
        assert answer, f"the process that forks {argv[0]} has ended"
        return subprocess.CompletedProcess(argv, int(answer), *(path.read_text() for path in output))


@functools.cache
def _start() -> subprocess.Popen:
    """The one server of this process; it ends with it."""
    server = subprocess.Popen([sys.executable, "-m", "tests.scripts.fork_server"], cwd=PROJECT, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(server.wait)
    atexit.register(server.stdin.close)
    return server


def serve() -> dict | None:
    """Answers requests until there are no more. In a forked process it returns the request that is to be run."""
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            request = json.loads(line)
            child = os.fork()
            if child == 0:
                return request
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def become(argv: list[str], output: list[str]) -> None:
    """Run what `python argv…` runs, its stdin empty, its stdout and stderr in these files."""
    for number, path, mode in zip(range(3), [os.devnull, *output], [os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2],
                                  strict=True):
        os.dup2(os.open(path, mode), number)
    module = argv[0] == "-m"
    sys.argv = argv[1:] if module else argv
    if module:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    import cv2  # noqa: F401
    import lxml.etree  # noqa: F401
    import matplotlib.figure  # noqa: F401

    from tests.scripts import small_net
    small_net.enter()
    gc.freeze()
    asked = serve()
    if asked is not None:
        become(**asked)
