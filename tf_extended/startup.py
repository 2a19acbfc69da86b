"""What goes on around the import of TensorFlow when a script starts: streams, Ctrl-C, the banner, garbage collection.

Not its job: the import itself (`tf_extended.compat`).
"""
import contextlib
import gc
import os
import signal
import sys
import tempfile
import threading


def open_closed_streams() -> None:
    """Open nothing at all where a shell closed a standard stream (`2>&-`), for this process and those it starts.

    The next file that is opened would have its number else, and get what TensorFlow writes to it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, so the stream's own
            os.set_inheritable(nothing, True)
            setattr(sys, name, os.fdopen(nothing, mode))


@contextlib.contextmanager
def quiet_banner():
    """Keep TensorFlow's C++ start-up banner, which no log level silences, off the terminal; replay it on failure."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "wb") as terminal:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            terminal.write(held.read())
            raise
        finally:
            os.dup2(terminal.fileno(), 2)


@contextlib.contextmanager
def without_keras():
    """Keep `import tensorflow` from importing Keras 3, matplotlib, rich and PIL with it, a quarter of its time.

    It does so to register Keras' optimisers, which nothing here uses; asked for Keras 2, which is an extra package, it
    shrugs. Whoever reads `tf.keras` afterwards gets Keras 3 all the same.
    """
    name = "TF_USE_LEGACY_KERAS"
    asked = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        os.environ.pop(name) if asked is None else os.environ.update({name: asked})


@contextlib.contextmanager
def without_garbage_collection():
    """Keep Python from looking for garbage while much is made that stays: modules, graphs. A tenth of the start-up.

    What is there afterwards is not looked at again. Memory that is counted out goes at once, as always.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


@contextlib.contextmanager
def plain_interrupts():
    """Let Ctrl-C end the process without a word, as it ends other programs, where Python would show where it was."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
