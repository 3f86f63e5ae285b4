"""Caps on the currents of racks, ordered from outside, kept over restarts.

A cap only takes: nothing is granted because of it, and without it the configured rating holds. It
joins the minimum in `gateway.protection.decision`, falls at once and rises by the ramp. On flash
it is written new, then renamed over the old file, under a checksum of each rack's name, so that a
rack more or less costs no other its cap.
"""

from __future__ import annotations

import binascii
import struct

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage
    from gateway.protection.decision import Decision

_FILE = "caps"
_NEW_FILE = "caps.new"
_MAGIC = const(0x5043)
_HEAD = "<HH"  # magic, records
_HEAD_BYTES = const(4)
_RECORD = "<IHH"  # checksum of the name; charge, discharge, 0.1 A
_RECORD_BYTES = const(8)
_NONE = const(0xFFFF)  # above every rating that a configuration may have
_NO_CAP = (_NONE, _NONE)


class CurrentCaps:
    """Hands caps to `decisions`, one per rack of `names`. May allocate.

    A file that is there and cannot be read means that there were caps and nobody knows which:
    `problem` says so, and every rack is held at 0 A until its caps are ordered again.
    """

    def __init__(self, storage: Storage, names: list[str], decisions: list[Decision]) -> None:
        self._storage = storage
        self._decisions = decisions
        self._keys = [binascii.crc32(name.encode()) for name in names]
        self._caps = [_NO_CAP for _ in names]
        self.problem = ""
        self.kept = True  # what was saved last stands on flash
        self.write_errors = 0

    def load(self) -> None:
        """Put the caps on flash in force; raises nothing."""
        try:
            if _FILE not in self._storage.names():
                return
            with self._storage.open(_FILE, "rb") as file:
                content = file.read()
        except OSError as error:
            self.problem = "cannot be read (%s)" % error
        else:
            self.problem = self._take(content)
        if self.problem:
            self.problem = "caps: %s: 0 A until each rack's limit is ordered again" % self.problem
            self._caps = [(0, 0) for _ in self._caps]
        for index in range(len(self._caps)):
            self._apply(index)

    def put(self, rack: int, charge_da: int | None, discharge_da: int | None) -> None:
        """Cap this rack, 0.1 A, None = at what is configured; `save` keeps it over a restart."""
        self._caps[rack] = (_stored(charge_da), _stored(discharge_da))
        self._apply(rack)

    def of(self, rack: int) -> tuple[int | None, int | None]:
        """(charge, discharge) cap of a rack, 0.1 A; None where the configuration alone holds."""
        charge_da, discharge_da = self._caps[rack]
        return (
            None if charge_da == _NONE else charge_da,
            None if discharge_da == _NONE else discharge_da,
        )

    def save(self) -> bool:
        """Write all caps; False, and counted, when the flash did not take them.

        Then the old ones would be back after a restart: call it again until they are kept.
        """
        self.kept = False
        capped = [index for index in range(len(self._caps)) if self._caps[index] != _NO_CAP]
        body = struct.pack(_HEAD, _MAGIC, len(capped))
        for index in capped:
            body += struct.pack(_RECORD, self._keys[index], *self._caps[index])
        try:
            with self._storage.open(_NEW_FILE, "wb") as file:
                file.write(body + struct.pack("<I", binascii.crc32(body)))
            self._storage.rename(_NEW_FILE, _FILE)
        except OSError:
            self.write_errors += 1
            return False
        self.problem = ""
        self.kept = True
        return True

    def _apply(self, rack: int) -> None:
        charge_da, discharge_da = self._caps[rack]
        self._decisions[rack].cap(charge_da, discharge_da)

    def _take(self, content: bytes) -> str:
        """Read the file's content; what is wrong with it, or ""."""
        body = content[:-4]
        if len(body) < _HEAD_BYTES or struct.unpack("<I", content[-4:])[0] != binascii.crc32(body):
            return "checksum does not match"
        magic, count = struct.unpack(_HEAD, body[:_HEAD_BYTES])
        if magic != _MAGIC or len(body) != _HEAD_BYTES + count * _RECORD_BYTES:
            return "another format"
        for index in range(count):
            key, charge_da, discharge_da = struct.unpack_from(
                _RECORD, body, _HEAD_BYTES + index * _RECORD_BYTES
            )
            if key in self._keys:
                self._caps[self._keys.index(key)] = (charge_da, discharge_da)
        return ""


def _stored(cap_da: int | None) -> int:
    """A cap as it stands on flash; one that would not fit is none."""
    return _NONE if cap_da is None else min(max(cap_da, 0), _NONE)
