"""board.json: what of a board differs from unit to unit and from cabinet to cabinet."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.contracts import Storage

FILE = "board.json"


def load(storage: Storage, defaults: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """(settings, "") or (`defaults`, what is wrong with the file). Without a file: `defaults`.

    Each entry of the file must be one of `defaults` and of the same type; a number is a switch, 0
    or 1.
    """
    settings = dict(defaults)
    try:
        if FILE not in storage.names():
            return settings, ""
        with storage.open(FILE, "rb") as file:
            content = file.read().strip()
        if content[-1:] != b"}":
            raise ValueError("cut short")  # MicroPython's reader would not mind
        entries = json.loads(content)
    except (OSError, ValueError) as error:
        return settings, "%s cannot be read: %r" % (FILE, error)
    if not isinstance(entries, dict):
        return settings, "%s: cannot be read: needs one object" % FILE
    for name in entries:
        if name not in defaults:
            return dict(defaults), "%s: %s: no such entry" % (FILE, name)
        if type(entries[name]) is not type(defaults[name]):
            return dict(defaults), "%s: %s: not like %r" % (FILE, name, defaults[name])
        if isinstance(entries[name], int) and entries[name] not in (0, 1):
            return dict(defaults), "%s: %s: needs 0 or 1" % (FILE, name)
        settings[name] = entries[name]
    return settings, ""
