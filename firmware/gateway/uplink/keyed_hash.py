"""HMAC-SHA256 (RFC 2104), and a comparison that takes the same time whatever differs."""

from __future__ import annotations

import hashlib

_BLOCK_BYTES = 64
_INNER = 0x36
_OUTER = 0x5C


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """Code of the joined `parts`, 32 bytes; `key` of at most 64 bytes, else ValueError."""
    if len(key) > _BLOCK_BYTES:
        raise ValueError("key of %d bytes" % len(key))
    padded = key + bytes(_BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes([byte ^ _INNER for byte in padded]))
    for part in parts:
        inner.update(part)
    outer = hashlib.sha256(bytes([byte ^ _OUTER for byte in padded]))
    outer.update(inner.digest())
    return outer.digest()


def same(one: bytes, other: bytes) -> bool:
    """Equal; how long it takes tells the length and nothing else."""
    if len(one) != len(other):
        return False
    difference = 0
    for index in range(len(one)):
        difference |= one[index] ^ other[index]
    return difference == 0
