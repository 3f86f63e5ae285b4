"""Last part of the set-up, run by `make`: an interpreter, or one line that says why not.

Writes the stamp file named by its argument only when there is one that stays: without, with one
that $MICROPYTHON names for once, or with one of an older recipe, the next start looks again.
Going without MicroPython is no error: `make run` then uses CPython.
"""

from __future__ import annotations

import sys
from pathlib import Path

from host_tools.errors import UserError
from host_tools.toolchain.build import ensure_micropython, is_current
from host_tools.toolchain.interpreter import Missing
from host_tools.toolchain.progress import say


def main(stamp: Path) -> int:
    """0, or 2 when $MICROPYTHON or $MICROPY_DIR names something unusable."""
    try:
        result = ensure_micropython()
    except UserError as error:
        say(f"set-up: {error}")
        return 2
    if isinstance(result, Missing):
        say(f"MicroPython: none, CPython takes its place: {result.reason}")
    elif result.source != "$MICROPYTHON":
        say(f"MicroPython {result.version} ({result.source}, TLS {'yes' if result.tls else 'no'})")
        if is_current(result):
            stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
