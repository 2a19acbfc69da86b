"""Which precision a machine gets, what the session is told of it, and what its threads share."""
import weakref

import pytest

from tf_extended import sessions
from tf_extended.compat import tf
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


@pytest.mark.parametrize(("flags", "precision", "slow"), [(AMX, "bfloat16", False), (OLD, "off", True)])
def test_what_runs_on_the_processor_goes_by_the_processor(monkeypatch, flags, precision, slow):
    monkeypatch.setattr(sessions, "gpus", lambda: GPU)
    monkeypatch.setattr(sessions, "cpu_flags", lambda: flags)
    assert sessions.choose_precision("auto", on_cpu=True)[0] == precision
    assert sessions.is_slow(on_cpu=True) == slow
    with pytest.raises(InputError, match="needs a GPU"):
        sessions.choose_precision("float16", on_cpu=True)


@pytest.mark.parametrize(("clones", "on_cpu", "gpus", "noted"), [
    (1, False, 0, ""), (2, False, 0, "--num_clones=2, but TensorFlow sees 0 GPUs"), (2, True, 0, ""),
    (2, False, 1, "--num_clones=2, but TensorFlow sees 1 GPU:"), (2, False, 2, ""), (1, False, 1, ""),
])
def test_more_clones_than_gpus_are_told(monkeypatch, capsys, clones, on_cpu, gpus, noted):
    monkeypatch.setattr(sessions, "gpus", lambda: GPU * gpus)
    sessions.note_clones(clones, on_cpu)
    said = capsys.readouterr().out
    assert noted in said and bool(said) == bool(noted)


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


def test_threads_share_the_callable_of_one_operation_and_no_other():
    before = tf.Session.make_callable
    with tf.Graph().as_default(), tf.Session() as sess, tf.Session() as other:
        number = tf.placeholder_with_default(3.0, [])
        one, two = tf.identity(number).op, tf.identity(number).op
        with sessions.shared_callables():
            assert sess.make_callable(one) is sess.make_callable(one)
            assert sess.make_callable(two) is not sess.make_callable(one) is not other.make_callable(one)
            doubled = sess.make_callable(number * 2.0, [number])
            assert doubled is not sess.make_callable(number * 2.0, [number]) and doubled(2.0) == 4.0
            assert sess.make_callable(one)() is None
            with sessions.shared_callables():  # what is prepared for a session here is not kept by whoever is around
                assert (inner := weakref.ref(sess.make_callable(one)))() is sess.make_callable(one)
            assert inner() is None
            assert sess.make_callable(one) is sess.make_callable(one)
        assert tf.Session.make_callable is before
        assert sess.make_callable(one) is not sess.make_callable(one)


def test_a_queue_is_filled_by_threads_that_share_their_callable():
    with tf.Graph().as_default(), tf.Session() as sess, sessions.shared_callables():
        queue = tf.FIFOQueue(40, tf.int32, [[]])
        counter = tf.Variable(0, use_resource=True)
        enqueue = queue.enqueue(tf.cast(counter.assign_add(1), tf.int32))
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue] * 4))
        sess.run(tf.global_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coordinator)
        numbers = sess.run(queue.dequeue_many(100))
        coordinator.request_stop()
        coordinator.join(threads)
        assert len(numbers) == 100 and min(numbers) >= 1 and max(numbers) >= 100
