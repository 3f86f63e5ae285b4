"""When each relay and input was last proof-tested, on flash: written new, then renamed over.

Kept under a checksum of each name, so that a rack more or less costs no other its date. What
cannot be read counts as never tested, which is the safe side.
"""

from __future__ import annotations

import binascii
import struct

from gateway.outputs.proof_test import PASSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Storage

_FILE = "prooftests"
_NEW_FILE = "prooftests.new"
_MAGIC = 0x5450
_HEAD = "<HH"  # magic, records
_HEAD_BYTES = 4
_RECORD = "<IIBB"  # checksum of the name, UTC seconds, result, 1 = the clock was set
_RECORD_BYTES = 10
_DAY_S = 86400
_NO_RECORD = (0, 0, 0)


class ProofRecords:
    """Last result and UTC date per name; `write_errors` counts what the flash did not take.

    May allocate, so not for the protecting loop.
    """

    def __init__(self, storage: Storage, names: list[str], interval_days: int) -> None:
        self._storage = storage
        self.names = names
        self._interval_s = interval_days * _DAY_S
        self._keys = [binascii.crc32(name.encode()) for name in names]
        self._records: dict[int, tuple[int, int, int]] = {}  # key: (UTC s, result, clock was set)
        self.damaged = False  # there was a file, and it could not be read
        self.write_errors = 0
        self._load()

    def note(self, name: str, result: int, utc_ms: int, clock_set: bool) -> bool:
        """Keep the verdict of a test that ended now; False when the flash did not take it."""
        key = self._keys[self.names.index(name)]
        self._records[key] = (utc_ms // 1000 & 0xFFFFFFFF, result, 1 if clock_set else 0)
        return self._save()

    def last(self, name: str) -> tuple[int, int, bool]:
        """(UTC seconds, result, whether the clock was set then); result 0 = never tested."""
        utc_s, result, clock_set = self._records.get(
            self._keys[self.names.index(name)], _NO_RECORD
        )
        return utc_s, result, clock_set == 1

    def days_left(self, name: str, utc_ms: int, clock_set: bool) -> int:
        """Whole days until the next test is due; 0 when it is due now.

        Due now: never passed, failed since, passed at a date that nobody knows or that lies in the
        future, or a clock that is not set.
        """
        utc_s, result, dated = self.last(name)
        age_s = utc_ms // 1000 - utc_s
        if result != PASSED or not dated or not clock_set or not 0 <= age_s < self._interval_s:
            return 0
        return (self._interval_s - age_s + _DAY_S - 1) // _DAY_S

    def due(self, utc_ms: int, clock_set: bool) -> list[str]:
        """Names of everything that is due."""
        return [name for name in self.names if not self.days_left(name, utc_ms, clock_set)]

    def _load(self) -> None:
        try:
            if _FILE not in self._storage.names():
                return
            with self._storage.open(_FILE, "rb") as file:
                content = file.read()
        except OSError:
            self.damaged = True
            return
        body = content[:-4]
        if len(body) < _HEAD_BYTES or struct.unpack("<I", content[-4:])[0] != binascii.crc32(body):
            self.damaged = True
            return
        magic, count = struct.unpack(_HEAD, body[:_HEAD_BYTES])
        if magic != _MAGIC or len(body) != _HEAD_BYTES + count * _RECORD_BYTES:
            self.damaged = True
            return
        for index in range(count):
            key, utc_s, result, clock_set = struct.unpack_from(
                _RECORD, body, _HEAD_BYTES + index * _RECORD_BYTES
            )
            self._records[key] = (utc_s, result, clock_set)

    def _save(self) -> bool:
        keys = [key for key in self._keys if key in self._records]
        body = struct.pack(_HEAD, _MAGIC, len(keys))
        for key in keys:
            body += struct.pack(_RECORD, key, *self._records[key])
        try:
            with self._storage.open(_NEW_FILE, "wb") as file:
                file.write(body + struct.pack("<I", binascii.crc32(body)))
            self._storage.rename(_NEW_FILE, _FILE)
        except OSError:
            self.write_errors += 1
            return False
        return True
