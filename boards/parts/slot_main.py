"""main.py of a deployed board: choose program and configuration, then run the gateway.

Of the root filesystem, wherever the image mounts it: `slot` names the folder with the program and
the configuration that are used, as "slot_a config_b"; `slot.trial` those of this start only, which
the next forgets: what fails, hangs or loses its power is never started twice. A trial without a
second word has the configuration in use. A folder whose program cannot be loaded gives way to the
next: the trial to the one that is used, that one to `slot.last`, which ran before it with its own
configuration, neither written to since, and this one to what is frozen into the image. "hold"
starts nothing, so relays stay as the reset left them: open.

The watchdog is armed before anything is loaded: a board that cannot start tries again.
"""

import gc
import os
import sys

import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GC_BYTES = 8192  # else what imports leave behind lies in the way of what stays, all over the heap
_PATIENCE_MS = (120000, 30000)  # for the loading, and the start; an STM32 has no more


def _words(path: str, once: bool = False) -> list[str]:
    """Of a file, [] where there is none or it is damaged; `once`: it goes first of all."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        if once:
            os.remove(path)
        words: list[str] = content.decode().split()
        return words
    except (OSError, ValueError):  # the second one: no text
        return []


def _starts(trial: list[str], used: list[str], last: list[str]) -> list[list[str]]:
    """[slot, configuration] in the order in which they are tried, each slot once."""
    found: list[list[str]] = []
    if trial:
        trial = trial[:1] + (trial[1:2] or used[1:2])
    for start in (trial, used[:2], last[:2], [""] + used[1:2]):
        if start and start[0] not in [each[0] for each in found]:
            found.append(start)
    return found


def _arm(patiences_ms: tuple[int, ...]) -> "Any":
    """The watchdog with the first of these that it can have."""
    for patience_ms in patiences_ms:
        try:
            return machine.WDT(timeout=patience_ms)
        except (AttributeError, ValueError, OSError):
            pass
    return None


def _load(slot: str) -> "Any":
    """(Board, app) from a folder, "" for the image; None when it raises: then nothing stays."""
    known = list(sys.modules)
    if slot:
        sys.path.insert(0, slot)
    try:
        from board import Board

        from gateway import app

        return Board, app
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the next may be whole
        print("main: %s cannot be loaded: %r" % (slot or "the image", error))
    if slot:
        sys.path.remove(slot)
    for name in list(sys.modules):
        if name not in known:
            del sys.modules[name]
    gc.collect()
    return None


def _start(starts: list[list[str]]) -> None:
    watchdog = _arm(_PATIENCE_MS)
    gc.threshold(_GC_BYTES)
    for start in starts:
        program = _load(start[0])
        if program is None:
            continue
        if watchdog is not None:
            watchdog.feed()
        board, app = program
        app.run(board(), *start[1:])
        return
    print("main: nothing can be started: relays stay open, deploy again")


_trial = _words("slot.trial", True)
# `slot.new` stands alone where a cut fell into the renaming on a FAT filesystem
_used = _words("slot") or _words("slot.new")
if "hold" in _trial:
    _arm(_PATIENCE_MS[1:])
elif "hold" not in _used:
    _start(_starts(_trial, _used, _words("slot.last")))
