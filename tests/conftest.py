"""What all tests need of the process that they run in."""
import signal


def pytest_configure() -> None:
    """Ctrl-C reaches the processes that tests start, also where a shell began the tests in its background.

    Such a shell has SIGINT ignored, and what is ignored stays so in all processes below.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
