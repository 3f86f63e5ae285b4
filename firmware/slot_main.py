"""main.py of a deployed board: choose program and configuration, then run the gateway.

Of the root filesystem, wherever the image mounts it: `slot` names the folder with the program and
the configuration that are used, as "slot_a config_b"; `slot.trial` those of this start only, which
the next forgets: what fails, hangs or loses its power is never started twice. A trial without a
second word has the configuration in use. "hold" starts nothing, so relays stay as the reset left
them: open. Without both files the frozen program runs with `config`.
"""

import gc
import os
import sys

_GC_BYTES = 8192  # else what imports leave behind lies in the way of what stays, all over the heap


def _words(path, once):
    try:
        with open(path) as file:
            words = file.read().split()
        if once:
            os.remove(path)
        return words
    except OSError:
        return []


words = _words("slot.trial", True)
words += _words("slot", False)[len(words) :]
if words[:1] != ["hold"]:
    if words:
        sys.path.insert(0, words[0])
    gc.threshold(_GC_BYTES)
    from board import Board

    from gateway import app

    app.run(Board(), *words[1:])
