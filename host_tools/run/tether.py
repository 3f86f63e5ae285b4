"""Start a program so that it dies with its parent, whatever killed that.

Linux tells a process when its parent is gone, whatever killed it (PR_SET_PDEATHSIG, kept over
exec). Other systems cannot; there PROGRAM runs untethered and only a clean stop ends it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tethered(command: list[str]) -> list[str]:
    """`command`, to be started by this interpreter so that it dies with us.

    The parent that counts is the thread that starts it: start it from the main one.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(arguments: list[str]) -> None:
    """Tether this process to parent `arguments[0]` and become the rest."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        if os.getppid() != int(arguments[0]):
            sys.exit(1)  # the parent died before we could ask
    os.execvp(arguments[1], arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
