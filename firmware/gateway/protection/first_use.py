"""Whether a device is new: only then does a flash without latches mean that there were none.

A flash that lost everything looks like a new one once it was formatted, and a note on it that it
did (`latch_store.mark_lost`) may fail with the flash. So a file beside the configuration, which is
other flash on most boards, says that this device has been in use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

FILE = "in-use"
_TEXT = b"This device has protected racks. Without this file an empty flash counts as new.\n"


def is_new(data: Storage, config: Storage) -> bool:
    """Neither a file on `data` nor the one on `config`; false when it cannot be told."""
    try:
        return not (data.formatted or data.names() or FILE in config.names())
    except OSError:
        return False


def mark(config: Storage) -> bool:
    """From now on the device is not new; False when the flash did not take it."""
    try:
        if FILE not in config.names():
            with config.open(FILE, "wb") as file:
                file.write(_TEXT)
    except OSError:
        return False
    return True
