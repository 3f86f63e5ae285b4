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
    if running():
        return _chosen() == _words(config_name)
    return _chosen().split(" ")[0] not in SLOTS  # else the image runs as nothing chosen loads


def told(config_name: str) -> str:
    """For the event of a start: what runs, and whether it is what was chosen."""
    if kept(config_name):
        return ", " + _words(config_name) if running() else ""
    started = _words(config_name) if running() else "the image " + config_name
    return ", %s, not what is chosen: a trial, or that does not load" % started


def keep(config_name: str) -> dict[str, object]:
    """Make every later start as this one: what a deployment asks for after its self-test."""
    slot = running()
    if not slot:
        return {"refused": "this program was not deployed into a slot"}
    try:
        before, words = _chosen(), _words(config_name)
        if before != words and before.split(" ")[0] in SLOTS and not before.startswith(slot):
            _write(_LAST, before)  # what is fallen back to
        if _read(_CHOICE) != words:
            _write(_NEW, words)
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
    return _read(_CHOICE) or _read(_NEW)  # that alone: a cut in the middle of FAT's renaming


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode().strip()
    except (OSError, ValueError):  # the second one: no text
        return ""
