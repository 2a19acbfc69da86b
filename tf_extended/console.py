"""What the scripts tell a person: exit codes, one-line errors, progress.

Not its job: defining flags (`shared_flags`) or deciding what is an error. Exit codes, as every script documents them:
0 done; 1 the run failed; 2 unusable flags or input, found before any work began. A traceback is shown only with
`--verbosity=1`.
"""
import errno
import functools
import io
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from absl import app, flags
from tqdm import tqdm

LOG_INTERVAL_SECS = 10.0
# Of the flags that absl brings, those that work: the others are for its own way of starting a program.
ABSL_FLAGS = ("verbosity", "v", "flagfile", "undefok")
LONGEST_NAME = 255
MOST_FLOAT32 = 3.4028236e38
# A pipe that nobody reads, a terminal that was closed.
GONE = (errno.EPIPE, errno.EIO)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class InputError(ValueError):
    """Unusable flags or input, found before any work began: exit status 2.

    The message is one line (or a short list) that names the file or value, what was expected, what to do next.
    """


class RunError(RuntimeError):
    """The run failed after it began: exit status 1. The message's last line says what to do."""


def say(message: str = "") -> None:
    """Print a line to standard output at once, so that a log file shows it while the work goes on."""
    _print(message, sys.stdout)


def complain(message: str) -> None:
    """Print a line to standard error at once."""
    _print(message, sys.stderr)


def stop_signals() -> list[int]:
    """What else than Ctrl-C asks a script to end: SIGTERM, and a terminal that closes where that is not ignored."""
    numbers = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup ignores it; Windows
        numbers.append(signal.SIGHUP)
    return numbers


def amount(count: int, noun: str) -> str:
    """`1 class`, `2 classes`, `0 images`."""
    return f"{count} {noun}" + ("" if count == 1 else "es" if noun.endswith("s") else "s")


def _print(message: str, stream: TextIO) -> None:
    try:
        print(message, file=stream, flush=True)
    except OSError as error:
        if error.errno not in GONE + FULL:
            raise
        # Whoever read has gone (`| head`, a `| tee` that Ctrl-C ended first), or the disk of the log is full: no reason
        # for the work to end with it. What waits to be written goes nowhere; a full disk may have room again later.
        kept, nowhere = os.dup(stream.fileno()), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        if error.errno in FULL:
            stream.flush()
            os.dup2(kept, stream.fileno())
            _tell_full(error.strerror)
        os.close(kept)
        os.close(nowhere)


@functools.cache
def _tell_full(reason: str) -> None:
    complain(f"WARNING: the log cannot be written ({reason}): going on without these lines")


def first_line(error: Exception) -> str:
    """Of the many lines of one of TensorFlow's errors."""
    return str(getattr(error, "message", error)).strip().partition("\n")[0]


def duration(seconds: float) -> str:
    """Seconds as a person says them: `48s`, `3m20s`, `2h05m`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"


def progress(items: Iterable, total: int, title: str) -> Iterator:
    """Yield `items`, which are images, showing how many are done, the rate and the time left.

    A bar on a terminal; in a log file a line about every ten seconds and one at the end.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=title, unit=" images")
        return
    start = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= LOG_INTERVAL_SECS or done == total:
            rate = done / max(now - start, 1e-9)
            left = "" if done == total else f", {duration((total - done) / rate)} left"
            say(f"{title}: {done}/{total} images, {rate:.1f} images/s{left}")
            last = now


def _parse(flag_values: flags.FlagValues, argv: list[str], usage: str) -> None:
    """Parse the command line; exit 0 after `--help`, raise InputError on a flag that is unknown or unusable."""
    if {"--help", "-help", "-h", "--helpfull", "--helpshort"} & set(argv[1:]):
        say(f"{usage.strip()}\n\nFlags:\n{_flags_help(flag_values, argv[0])}")
        raise SystemExit(0)
    try:
        left_over = flag_values(argv)[1:]
    except flags.Error as error:
        raise InputError(f"{error}. See --help for the flags.") from None
    if left_over:
        raise InputError(f"unexpected argument {left_over[0]!r}: every setting is a flag, --name=value. See --help.")
    for name in flag_values:
        value = flag_values[name].value
        if name not in ABSL_FLAGS and flag_values[name].present and _is_a_librarys(flag_values, name):
            raise InputError(f"--{name} has no effect here. Leave it out.")
        _check_value(name, value)
        expanded = _expand_home(value)  # a shell expands ~ only at the beginning of a word, so not after --name=
        if expanded != value:
            flag_values[name].value = expanded


def _check_value(name: str, value: Any) -> None:
    """Raise InputError for what no flag can take, whatever it is for."""
    # Not a number is within all bounds; graphs compute in float32, where 1e39 is infinite.
    if isinstance(value, float) and not abs(value) < MOST_FLOAT32:
        raise InputError(f"--{name}={value}: expected a finite number.")
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and any(len(os.fsencode(part)) > LONGEST_NAME for part in re.split("[/,]", text)):
            raise InputError(f"--{name}={text}: longer than a file's name can be.")


def _is_a_librarys(flag_values: flags.FlagValues, name: str) -> bool:
    return flag_values.find_module_defining_flag(name, "").startswith(("absl.", "tensorflow."))


def _flags_help(flag_values: flags.FlagValues, script: str) -> str:
    """What the flags are for: the script's and those it takes from `tf_extended`, not the many of other libraries."""
    shared = sorted(name for name in flag_values.flags_by_module_dict() if name.startswith("tf_extended."))
    texts = [flag_values.module_help(module) for module in (script, *shared)]
    return "\n".join([*texts, "  --verbosity: 1 shows where an error came from."])


def _expand_home(value: Any) -> Any:
    if isinstance(value, list):
        return [_expand_home(item) for item in value]
    return str(Path(value).expanduser()) if isinstance(value, str) and value.startswith("~/") else value


def run_script(main: Callable[[], None], flag_values: flags.FlagValues, usage: str) -> None:
    """Parse the command line, run `main`, and end the process with the documented exit code.

    `usage` is the script's docstring, shown by `--help`. InputError → 2; RunError, Ctrl-C and anything unexpected → 1,
    each as a message on standard error. `--verbosity=1` adds the traceback.
    """
    def end(status: int, message: str) -> None:
        if flag_values.is_parsed() and flag_values.verbosity >= 1:
            traceback.print_exc()
        complain(message)
        sys.exit(status)

    app.define_help_flags()
    for stream in (sys.stdout, sys.stderr):  # what a terminal lacks a letter for is no reason to end
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        _parse(flag_values, sys.argv, usage)
        main()
    except InputError as error:
        end(2, f"error: {error}")
    except RunError as error:
        end(1, f"error: {error}")
    except KeyboardInterrupt:
        end(1, "interrupted: run the same command again")
    except OSError as error:
        end(1, f"error: {error}\nCheck the disk space and permissions of that path, then run the command again.")
    except Exception as error:  # the last net: a person reads one line, a developer asks for the rest
        end(1, f"error: {type(error).__name__}: {error}\nRun again with --verbosity=1 to see where it happened.")
