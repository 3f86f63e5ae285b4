"""What this program was started as, and whether later starts will be the same.

A start is a folder with a program and the name of a configuration, two words in one file, so that
one rename changes both. Written here and by deployment, read by slot_main.py.
"""

from __future__ import annotations

import os
import sys

SLOTS = ("slot_a", "slot_b")
_CHOICE = "slot"
_NEW = "slot.new"
_LAST = "slot.last"


def running() -> str:
    """Name of the folder; "" for a program that is frozen in, or runs on a laptop."""
    folder = sys.path[0] if sys.path else ""
    return folder if folder in SLOTS else ""


def kept(config_name: str) -> bool:
    """Whether the next start will be the same; True where there are no folders."""
    return not running() or _chosen() == _words(config_name)


def keep(config_name: str) -> dict[str, object]:
    """Make every later start as this one: what a deployment asks for after its self-test."""
    slot = running()
    if not slot:
        return {"refused": "this program was not deployed into a slot"}
    try:
        before = _chosen()
        if before != _words(config_name):
            earlier = before.split(" ")[0]
            if earlier in SLOTS and earlier != slot:
                _write(_LAST, earlier)  # what is fallen back to
            _write(_NEW, _words(config_name))
            os.rename(_NEW, _CHOICE)
    except OSError as error:
        return {"refused": "cannot write %s: %s" % (_CHOICE, error)}
    return {"kept": slot, "config": config_name}


def _words(config_name: str) -> str:
    return "%s %s" % (running(), config_name)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _chosen() -> str:
    for path in (_CHOICE, _NEW):  # the second alone: a cut in the middle of FAT's renaming
        try:
            with open(path) as file:
                return file.read().strip()
        except OSError:
            continue
    return ""
