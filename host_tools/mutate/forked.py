"""One piece of work in a copy of this process, so that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress

CRASHED = 254
TIMED_OUT = 255
_OUT_OF_TIME = (signal.SIGPROF, signal.SIGALRM)


def start(work: Callable[[], int], cpu_s: float, wall_s: float) -> int:
    """Fork; the child ends with the status `work` returns. Its process id.

    The kernel ends it after `cpu_s` of processor time, which other work on this machine does not
    use up, and after `wall_s` if it only waits. It has a group of its own, for `reap` to clear
    away.
    """
    child = os.fork()
    if child:
        return child
    status = CRASHED
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, wall_s)
        limit(cpu_s)
        status = work()
    except BaseException:  # noqa: BLE001 - whatever it is, this is the child's end
        traceback.print_exc()
    finally:
        os._exit(status)


def limit(cpu_s: float) -> None:
    """In the child: so much processor time from now on, instead of what was left."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)


def reap() -> tuple[int, int]:
    """Wait for any child: its id and status; whatever it started is ended, too."""
    child, raw = os.wait()
    end(child)
    if os.WIFSIGNALED(raw):
        return child, TIMED_OUT if os.WTERMSIG(raw) in _OUT_OF_TIME else CRASHED
    return child, os.WEXITSTATUS(raw)


def end(child: int) -> None:
    """Kill it with everything it started; nothing happens when all of that is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
