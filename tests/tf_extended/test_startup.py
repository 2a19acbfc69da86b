"""What a process that imports TensorFlow through the one door starts with, and keeps."""
import gc
import os
import platform
import signal
import subprocess
import sys

import pytest

from tf_extended import startup


def test_the_banner_is_replayed_when_the_import_fails(capfd):
    with pytest.raises(ImportError), startup.quiet_banner():
        os.write(2, b"the reason\n")
        raise ImportError
    assert "the reason" in capfd.readouterr().err
    with startup.quiet_banner():
        os.write(2, b"noise\n")
    assert capfd.readouterr().err == ""


def in_a_new_process(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.strip().splitlines()[-1]


@pytest.mark.slow
def test_streams_that_a_shell_closed_do_not_matter():
    code = ("import os, sys; from tf_extended import compat; print('x', file=sys.stderr)\n"
            "sys.exit(sum(stream.fileno() == number and os.get_inheritable(number)\n"
            "             for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr))))")
    ended = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code], check=False)
    assert ended.returncode == 3  # each has the number that belongs to it, and so have programs that are started


@pytest.mark.slow
def test_scripts_start_without_keras_and_matplotlib():
    code = "import sys, train_ssd_network; print([m for m in ('keras', 'matplotlib', 'rich') if m in sys.modules])"
    assert in_a_new_process(code) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("asked", [None, "0"])
def test_keras_3_is_there_for_who_asks_and_the_environment_as_it_was(asked):
    code = (f"import os; asked = {asked!r}; asked and os.environ.update(TF_USE_LEGACY_KERAS=asked)\n"
            "from tf_extended.compat import tf\n"
            "import tensorflow; print(tensorflow.keras.__version__[0], os.environ.get('TF_USE_LEGACY_KERAS'))")
    assert in_a_new_process(code) == f"3 {asked}"


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN's own kernels are for x86")
@pytest.mark.parametrize(("asked", "on"), [(None, True), ("0", False), ("1", True)])
def test_onednn_is_on_unless_the_user_turns_it_off(asked, on):
    code = (f"import os; os.environ.pop('TF_ENABLE_ONEDNN_OPTS', None); asked = {asked!r}\n"
            "asked and os.environ.update(TF_ENABLE_ONEDNN_OPTS=asked)\n"
            "from tf_extended.compat import tf\n"
            "from tensorflow.python.framework.test_util import IsMklEnabled; print(IsMklEnabled())")
    assert in_a_new_process(code) == str(on)


def test_ctrl_c_during_the_import_leaves_no_traceback():
    code = ("import signal, os, sys\n"
            "class Interrupting:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'tensorflow': os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.meta_path.insert(0, Interrupting())\n"
            "from tf_extended import compat")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")


@pytest.mark.slow
def test_ctrl_c_is_pythons_again_after_the_import():
    code = "import signal\nfrom tf_extended import compat\nprint(signal.getsignal(signal.SIGINT).__name__)"
    assert in_a_new_process(code) == "default_int_handler"


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_pauses_and_is_as_it_was_even_after_an_error(was_on):
    (gc.enable if was_on else gc.disable)()
    try:
        kept = gc.get_freeze_count()
        with pytest.raises(KeyError), startup.without_garbage_collection():
            assert not gc.isenabled()
            made = [[] for _ in range(50)]
            raise KeyError
        assert gc.isenabled() is was_on
        assert gc.get_freeze_count() >= kept + len(made)
    finally:
        gc.unfreeze()
        gc.enable()
