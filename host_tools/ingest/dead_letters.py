"""Messages that nobody can read: kept in a folder for a person, counted, never in the way."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

_MOST = 1000  # then they are counted only


class DeadLetters:
    """Each message as `<hash>.bin`, which `gatewayctl decode` reads, with its reason as .json.

    The same message again is the same file again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.count = 0
        self.last_reason = ""

    def put(self, topic: str, payload: bytes, reason: str) -> None:
        """Keep one; OSError is swallowed: it is counted all the same."""
        self.count += 1
        self.last_reason = f"{topic}: {reason}"
        name = re.sub(r"[^\w.-]+", "_", topic)[-100:]
        stem = f"{name}-{hashlib.sha256(payload).hexdigest()[:16]}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.glob("*.bin")) >= _MOST:
                return
            about = {"topic": topic, "reason": reason, "bytes": len(payload)}
            (self._folder / f"{stem}.bin").write_bytes(payload)
            (self._folder / f"{stem}.json").write_text(json.dumps(about) + "\n")
        except OSError as error:
            self.last_reason += f" (not kept: {error.strerror})"
