"""What all tests need of the process that they run in."""
import gc
import signal


def pytest_configure() -> None:
    """Ctrl-C reaches the processes that tests start, also where a shell began the tests in its background.

    Such a shell has SIGINT ignored, and what is ignored stays so in all processes below.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Building graphs makes many objects and little garbage; looking for it every 700 takes a twentieth of the time.
    gc.set_threshold(100_000, 20, 20)
