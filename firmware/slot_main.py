"""main.py of a deployed board: choose the folder with the program, then run the gateway from it.

Of the root filesystem, wherever the image mounts it: `slot` names the folder that is used,
`slot.trial` one for this start only, which is forgotten by the next: a program that fails, hangs
or loses its power is never started twice. "hold" starts nothing, so relays stay as the reset left
them: open. Without both files the frozen program runs.
"""

import gc
import os
import sys

_GC_BYTES = 8192  # else what imports leave behind lies in the way of what stays, all over the heap


def _word(path, once):
    try:
        with open(path) as file:
            word = file.read().strip()
        if once:
            os.remove(path)
        return word
    except OSError:
        return ""


slot = _word("slot.trial", True) or _word("slot", False)
if slot != "hold":
    if slot:
        sys.path.insert(0, slot)
    gc.threshold(_GC_BYTES)
    from board import Board

    from gateway import app

    app.run(Board())
