"""One piece of work in a copy of this process, so that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress

CRASHED = 254
TIMED_OUT = 255


def start(work: Callable[[], int], timeout_s: float) -> int:
    """Fork; the child ends with the status `work` returns. Its process id.

    After `timeout_s` the kernel ends it. It has a group of its own, for `reap` to clear away.
    """
    child = os.fork()
    if child:
        return child
    status = CRASHED
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, timeout_s)
        status = work()
    except BaseException:  # noqa: BLE001 - whatever it is, this is the child's end
        traceback.print_exc()
    finally:
        os._exit(status)


def reap() -> tuple[int, int]:
    """Wait for any child: its id and status; whatever it started is ended, too."""
    child, raw = os.wait()
    end(child)
    if os.WIFSIGNALED(raw):
        return child, TIMED_OUT if os.WTERMSIG(raw) == signal.SIGALRM else CRASHED
    return child, os.WEXITSTATUS(raw)


def end(child: int) -> None:
    """Kill it with everything it started; nothing happens when all of that is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
