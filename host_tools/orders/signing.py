"""Signing of commands and checking of replies, with the standard library's HMAC."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

_REPLY = b"reply\n"
_DIGITS = 64


def sign(key: bytes, tree: dict[str, Any]) -> bytes:
    """The message that orders what `tree` says."""
    body = json.dumps(tree).encode()
    return _code(key, body) + b"\n" + body


def read_reply(key: bytes, payload: bytes) -> dict[str, Any] | None:
    """What a reply says; None when it was not signed with this key."""
    code, newline, body = payload.partition(b"\n")
    if not newline or not hmac.compare_digest(code, _code(key, _REPLY + body)):
        return None
    tree: dict[str, Any] = json.loads(body)
    return tree


def _code(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).hexdigest().encode()
