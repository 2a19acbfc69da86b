"""What all tests need of the process that they run in."""
import gc
import signal

from hypothesis import settings


def pytest_configure() -> None:
    """Ctrl-C reaches the processes that tests start, also where a shell began the tests in its background.

    Such a shell has SIGINT ignored, and what is ignored stays so in all processes below.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # What is drawn takes as long as the machine takes.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    # Building graphs makes many objects and little garbage; looking for it every 700 takes a twentieth of the time.
    gc.set_threshold(100_000, 20, 20)
