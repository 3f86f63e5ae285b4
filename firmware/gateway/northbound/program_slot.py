"""The folder that this program was started from, and whether later starts will use it too.

Written by slot_main.py and by deployment, as that file describes.
"""

from __future__ import annotations

import os
import sys

SLOTS = ("slot_a", "slot_b")
_CHOICE = "slot"
_NEW = "slot.new"


def running() -> str:
    """Name of the folder; "" for a program that is frozen in, or runs on a laptop."""
    folder = sys.path[0] if sys.path else ""
    return folder if folder in SLOTS else ""


def kept() -> bool:
    """Whether the next start will be from here; True where there are no folders."""
    return not running() or _chosen() == running()


def keep() -> dict[str, object]:
    """Make every later start one from here: what a deployment asks for after its self-test."""
    slot = running()
    if not slot:
        return {"refused": "this program was not deployed into a slot"}
    try:
        if _chosen() != slot:
            with open(_NEW, "w") as file:
                file.write(slot)
            os.rename(_NEW, _CHOICE)
    except OSError as error:
        return {"refused": "cannot write %s: %s" % (_CHOICE, error)}
    return {"kept": slot}


def _chosen() -> str:
    try:
        with open(_CHOICE) as file:
            return file.read().strip()
    except OSError:
        return ""
