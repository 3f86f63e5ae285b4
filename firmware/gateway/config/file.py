"""The configuration on flash: `config.json`, and `config.crc` with its CRC-32 as 8 hex digits.

A deployment keeps two pairs, `config_a` and `config_b`, so that the one in use stays whole while
the next one is written and tried.

A bit that flips in a number may leave a valid file with another limit. So the device takes the
pair or nothing, and looks again, now and then, whether what runs is still what stands there.
"""

from __future__ import annotations

import binascii

from micropython import const

from gateway import config
from gateway.config import Config
from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import File, Storage

NAME = "config"
DEPLOYED = ("config_a", "config_b")
FILE = "config.json"
CRC_FILE = "config.crc"
_REMEDY = "build it again (gatewayctl site build) and copy it and its checksum together"
_HEX_DIGITS = const(8)
_LONGEST_CRC_FILE = const(16)
_SLICE_BYTES = const(128)


def content_file(name: str = NAME) -> str:
    """Where the configuration of this name stands."""
    return name + ".json"


def checksum_file(name: str = NAME) -> str:
    """Where its checksum stands."""
    return name + ".crc"


def checksum_text(content: bytes) -> bytes:
    """What the checksum's file says of this content."""
    return b"%08x\n" % binascii.crc32(content)


def load(storage: Storage, name: str = NAME) -> Config:
    """The checked configuration; ConfigError names the file and what to do about it."""
    path, crc_path = content_file(name), checksum_file(name)
    content = _read(storage, path, -1)
    wanted = _parse(_read(storage, crc_path, _LONGEST_CRC_FILE))
    if wanted is None:
        raise ConfigError("%s: needs %d hex digits: %s" % (crc_path, _HEX_DIGITS, _REMEDY))
    found = binascii.crc32(content)
    if found != wanted:
        raise ConfigError(
            "%s: damaged or changed by hand, its CRC-32 is %08x and %s has %08x: %s"
            % (path, found, crc_path, wanted, _REMEDY)
        )
    try:
        text = content.decode()
    except UnicodeError:
        raise ConfigError("%s: no UTF-8 text: %s" % (path, _REMEDY))
    return config.load(text)


def _read(storage: Storage, name: str, longest: int) -> bytes:
    try:
        with storage.open(name, "rb") as file:
            content = file.read(longest)
    except OSError:
        content = b""
    if not content:
        raise ConfigError("%s is missing or unreadable: %s" % (name, _REMEDY))
    return content


def _parse(content: bytes) -> int | None:
    digits = content.strip()
    if len(digits) != _HEX_DIGITS:
        return None
    for digit in digits:
        if digit not in b"0123456789abcdefABCDEF":
            return None
    return int(digits, 16)


class ConfigWatch:
    """Reads both files again, a slice at a time; `problem` is what the last round found or "".

    `crc` is that of the configuration that runs. Allocates a little with every step.
    """

    def __init__(self, storage: Storage, crc: int, name: str = NAME) -> None:
        self._storage = storage
        self._path = content_file(name)
        self._crc_path = checksum_file(name)
        self.crc = crc
        self._buffer = memoryview(bytearray(_SLICE_BYTES))
        self._file: File | None = None
        self._read_crc = 0
        self.problem = ""

    def step(self) -> bool:
        """Read the next slice; True once a round is complete. Raises nothing."""
        try:
            return self._read_on()
        except OSError as error:
            self._close()
            self.problem = "%s or %s cannot be read: %s" % (
                self._path,
                self._crc_path,
                error,
            )
            return True

    def _read_on(self) -> bool:
        if self._file is None:
            self._read_crc = 0
            self._file = self._storage.open(self._path, "rb")
        count = self._file.readinto(self._buffer)
        if count:
            self._read_crc = binascii.crc32(self._buffer[:count], self._read_crc)
            return False
        self._close()
        with self._storage.open(self._crc_path, "rb") as file:
            kept = _parse(file.read(_LONGEST_CRC_FILE))
        self.problem = ""
        if self._read_crc != self.crc:
            self.problem = "%s is no longer what runs" % self._path
        elif kept != self.crc:
            self.problem = "%s no longer fits %s" % (self._crc_path, self._path)
        return True

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                pass  # it was only read
