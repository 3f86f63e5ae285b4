"""Recorded Modbus frames: a file with a line of JSON for each, the same for serial and TCP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.modbus.crc16 import crc16
from host_tools.errors import UserError

REQUEST, REPLY, NOISE = "request", "reply", "noise"
_CRC_BYTES = 2
_SHORTEST = 4
_MASTER_TO_SLAVE_BYTES = 8  # a read, or a write of one register, with its checksum
_FAILED = 0x80


@dataclass(frozen=True)
class Frame:
    """`data` is unit and PDU, without header or checksum; of NOISE everything that came."""

    ms: float
    kind: str
    data: bytes

    def line(self) -> str:
        """For the file."""
        return json.dumps({"ms": round(self.ms, 1), "kind": self.kind, "data": self.data.hex()})


def load(path: Path) -> list[Frame]:
    """UserError names the line that is none."""
    try:
        text = path.read_text()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is no recording of gatewayctl capture") from error
    frames = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(line)
            frames.append(
                Frame(float(entry["ms"]), str(entry["kind"]), bytes.fromhex(entry["data"]))
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} line {number}: is no recorded frame") from error
    return frames


def sort_serial(chunks: Iterable[tuple[float, bytes]]) -> Iterator[Frame]:
    """Frames of a line that was listened to: what came between two silences, with its time.

    Two frames without a silence between them are found by their checksums.
    """
    asked: bytes | None = None
    for ms, chunk in chunks:
        for part in _split(chunk):
            if part is None:
                continue
            data, good = part
            if not good:
                yield Frame(ms, NOISE, data)
                continue
            is_reply = asked is not None and asked[:2] == bytes((data[0], data[1] & ~_FAILED))
            asked = None if is_reply else data
            yield Frame(ms, REPLY if is_reply else REQUEST, data)


def _split(chunk: bytes) -> Iterator[tuple[bytes, bool] | None]:
    while chunk:
        end = next((end for end in _ends(chunk) if _is_sound(chunk[:end])), 0)
        if not end:
            yield chunk, False
            return
        yield chunk[: end - _CRC_BYTES], True
        chunk = chunk[end:]


def _ends(chunk: bytes) -> Iterator[int]:
    """The whole of it first, then every beginning of it."""
    yield len(chunk)
    if len(chunk) >= _MASTER_TO_SLAVE_BYTES:
        yield _MASTER_TO_SLAVE_BYTES
    yield from range(_SHORTEST, len(chunk))


def _is_sound(frame: bytes) -> bool:
    if len(frame) < _SHORTEST:
        return False
    return crc16(frame, 0, len(frame) - _CRC_BYTES) == int.from_bytes(
        frame[-_CRC_BYTES:], "little"
    )
