"""The key of this device, which signs commands: one file beside the configuration.

Without it the gateway takes no commands, and protects as before: a missing or wrong file is no
reason to open a relay.
"""

from __future__ import annotations

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

FILE = "device.key"
KEY_BYTES = 32
_LONGEST_FILE = 2 * KEY_BYTES + 3  # hex digits and the end of a line


def load_key(storage: Storage) -> tuple[bytes | None, str]:
    """(key, ""), or (None, why there is none: one line for a person)."""
    try:
        if FILE not in storage.names():
            return None, "no %s in the configuration: commands are off" % FILE
        with storage.open(FILE, "rb") as file:
            content = file.read(_LONGEST_FILE)
    except OSError as error:
        return None, "%s cannot be read (%s): commands are off" % (FILE, error)
    key = read_key(content)
    if key is None:
        return None, "%s: needs %d bytes, raw or as %d hex digits: commands are off" % (
            FILE,
            KEY_BYTES,
            2 * KEY_BYTES,
        )
    return key, ""


def read_key(content: bytes) -> bytes | None:
    """The key that a file's content means; None when it means none, or an erased flash."""
    key = content
    if len(content) != KEY_BYTES:
        digits = content.strip()
        if len(digits) != 2 * KEY_BYTES:
            return None
        try:
            key = binascii.unhexlify(digits)
        except ValueError:
            return None
    return None if key == key[:1] * KEY_BYTES else key
