"""Messages that nobody can read: kept in a folder for a person, counted, never in the way."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

NEWER = "newer"  # folder of messages that are whole, in a format of a later version


@dataclass(frozen=True)
class Limits:
    """Of one topic, so that no gateway takes the room of the others, and of all."""

    topic_files: int
    topic_bytes: int
    files: int
    bytes: int


_OF_BAD = Limits(100, 4 << 20, 10_000, 256 << 20)
# these are good records, which only wait for an update of this program
_OF_NEWER = Limits(10_000, 256 << 20, 1_000_000, 4 << 30)


class DeadLetters:
    """Each message as `<topic>-<hash>.bin`, which `gatewayctl decode` reads, its reason as .json.

    The same message again is the same file again. Beyond the limits, which each worker counts
    for itself, messages are counted only: `unkept`, and `newer_unkept` for those that were good.
    """

    def __init__(self, folder: Path) -> None:
        self._bad = _Shelf(folder, _OF_BAD)
        self._newer = _Shelf(folder / NEWER, _OF_NEWER)
        self.count = 0
        self.newer = 0
        self.unkept = 0
        self.newer_unkept = 0
        self.last_reason = ""

    def put(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep one; OSError is swallowed: it is counted all the same."""
        if not self._put(self._bad, topic, payload, reason):
            self.unkept += 1

    def put_newer(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep one that a later version can read; as `put`."""
        self.newer += 1
        if not self._put(self._newer, topic, payload, reason):
            self.newer_unkept += 1

    def _put(self, shelf: _Shelf, topic: str, payload: bytes, reason: str) -> bool:
        self.count += 1
        self.last_reason = f"{topic[:100]}: {reason}"
        try:
            kept = shelf.put(topic, payload, reason)
        except OSError as error:
            self.last_reason += f" (not kept: {error.strerror})"
            return False
        if not kept:
            self.last_reason += " (not kept: too many)"
        return kept


class _Shelf:
    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._used: dict[str, tuple[int, int]] | None = None  # files and bytes of each topic
        self._files = 0
        self._bytes = 0

    def put(self, topic: str, payload: bytes, reason: str) -> bool:
        """False when there is no room. OSError."""
        used = self._used
        if used is None:
            used = self._used = self._count()
        plain = re.sub(r"[^\w.-]+", "_", topic)[-80:]
        name = f"{plain}-{hashlib.sha256(topic.encode()).hexdigest()[:8]}"
        path = self._folder / f"{name}-{hashlib.sha256(payload).hexdigest()[:16]}.bin"
        if path.exists():
            return True
        files, size = used.get(name, (0, 0))
        limits = self._limits
        if (
            files >= limits.topic_files
            or size + len(payload) > limits.topic_bytes
            or self._files >= limits.files
            or self._bytes + len(payload) > limits.bytes
        ):
            return False
        about = {"topic": topic, "reason": reason, "bytes": len(payload)}
        path.write_bytes(payload)
        path.with_suffix(".json").write_text(json.dumps(about) + "\n")
        used[name] = files + 1, size + len(payload)
        self._files += 1
        self._bytes += len(payload)
        return True

    def _count(self) -> dict[str, tuple[int, int]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        used: dict[str, tuple[int, int]] = {}
        self._files = self._bytes = 0
        for path in self._folder.glob("*.bin"):
            name = path.stem.rpartition("-")[0]
            length = path.stat().st_size
            files, size = used.get(name, (0, 0))
            used[name] = files + 1, size + length
            self._files += 1
            self._bytes += length
        return used
