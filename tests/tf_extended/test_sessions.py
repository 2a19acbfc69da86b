"""Which precision a machine gets, and what the session is told of it."""
import pytest

from tf_extended import sessions
from tf_extended.console import InputError

GPU, AMX, OLD = ["gpu"], frozenset({"avx2", "amx_bf16"}), frozenset({"avx2"})
AVX512 = frozenset({"avx2", "avx512f"})


@pytest.mark.parametrize(("asked", "gpus", "flags", "depthwise", "precision"), [
    ("auto", GPU, AMX, False, "float16"), ("auto", [], AMX, False, "bfloat16"), ("auto", [], OLD, False, "off"),
    ("auto", [], AVX512, False, "off"), ("bfloat16", [], frozenset(), True, "bfloat16"),
    ("auto", GPU, AMX, True, "off"), ("auto", [], AMX, True, "off"),
    ("off", GPU, AMX, False, "off"), ("bfloat16", [], AVX512, True, "bfloat16"), ("float16", GPU, OLD, True, "float16"),
])
def test_the_precision_of_a_machine(monkeypatch, asked, gpus, flags, depthwise, precision):
    monkeypatch.setattr(sessions, "gpus", lambda: gpus)
    monkeypatch.setattr(sessions, "cpu_flags", lambda: flags)
    chosen, reason = sessions.choose_precision(asked, depthwise)
    assert chosen == precision
    assert reason
    rewrites = sessions.session_config(0.5, chosen).graph_options.rewrite_options
    assert (rewrites.auto_mixed_precision == rewrites.ON) == (precision == "float16")
    assert (rewrites.auto_mixed_precision_onednn_bfloat16 == rewrites.ON) == (precision == "bfloat16")
    assert (sessions.LOSS_SCALES[chosen] > 1) == (precision == "float16")


@pytest.mark.parametrize(("gpus", "flags", "slow"), [
    ([], AMX, False), ([], frozenset({"avx512f", "avx512_bf16"}), False), ([], AVX512, True), ([], OLD, True),
    ([], frozenset(), True), (GPU, OLD, False),
])
def test_which_machines_are_slow(monkeypatch, gpus, flags, slow):
    monkeypatch.setattr(sessions, "gpus", lambda: gpus)
    monkeypatch.setattr(sessions, "cpu_flags", lambda: flags)
    assert sessions.is_slow() == slow


def test_a_session_takes_its_share_of_the_memory_and_runs_what_a_gpu_lacks_elsewhere():
    config = sessions.session_config(0.5)
    assert config.gpu_options.per_process_gpu_memory_fraction == 0.5
    assert config.allow_soft_placement


def test_a_wish_that_cannot_be_granted(monkeypatch):
    monkeypatch.setattr(sessions, "gpus", list)
    with pytest.raises(InputError, match="needs a GPU"):
        sessions.choose_precision("float16")
    with pytest.raises(InputError, match="expected one of auto, off, bfloat16, float16"):
        sessions.choose_precision("half")
    monkeypatch.setattr(sessions, "cpu_flags", lambda: OLD)
    with pytest.raises(InputError, match="--mixed_precision=bfloat16 needs a processor with AVX512.*auto"):
        sessions.choose_precision("bfloat16")


def test_instruction_sets_are_read_where_the_system_tells_them(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: fpu avx2 amx_bf16\nprocessor : 1\nflags : other\n")
    assert sessions.cpu_flags(file) == {"fpu", "avx2", "amx_bf16"}
    assert sessions.cpu_flags(tmp_path / "none") == frozenset()
