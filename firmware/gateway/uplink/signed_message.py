"""Signed messages as bytes: 64 hex digits of HMAC-SHA256, a newline, a JSON object.

The code of a command covers its JSON text. That of a reply covers "reply", a newline and the text,
so neither can be passed off as the other. Whoever cannot sign gets no further than the code: JSON
is looked at only after it.
"""

from __future__ import annotations

import binascii
import json

from micropython import const

from gateway.errors import GatewayError
from gateway.uplink.keyed_hash import hmac_sha256, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 1024  # bytes of a command
LARGEST_NUMBER = (1 << 53) - 1  # every JSON reader has whole numbers so far
REPLY = b"reply\n"
_DIGITS = const(64)
_LONGEST_TEXT = const(64)
_MOST_ENTRIES = const(8)
_MOST_OBJECTS = const(2)  # the message and its arguments; nesting costs the stack of some readers


class MessageError(GatewayError):
    """A signed message that is no command; caught by `Commands`, which answers with the text."""


class Command:
    """One order: `seq` counts upwards for ever, `until_s` is Unix time in seconds."""

    def __init__(self, seq: int, until_s: int, name: str, args: dict[str, Any]) -> None:
        self.seq = seq
        self.until_s = until_s
        self.name = name
        self.args = args


def seal(key: bytes, body: bytes, prefix: bytes = b"") -> bytes:
    """The message that carries `body`."""
    return binascii.hexlify(hmac_sha256(key, prefix, body)) + b"\n" + body


def unseal(key: bytes, payload: bytes, prefix: bytes = b"") -> bytes | None:
    """The JSON text of a message that was signed with `key`; None for every other."""
    if len(payload) <= _DIGITS + 1 or payload[_DIGITS] != 10:
        return None
    body = payload[_DIGITS + 1 :]
    good = same(payload[:_DIGITS], binascii.hexlify(hmac_sha256(key, prefix, body)))
    return body if good else None


def read_command(body: bytes, gateway: str) -> Command:
    """The command in the JSON text of a signed message to `gateway`; MessageError."""
    if body.count(b"{") + body.count(b"[") > _MOST_OBJECTS:
        raise MessageError("no brackets but those of the message and of args")
    try:
        tree = json.loads(body.decode())
    except ValueError:  # of the text too: a UnicodeError is one
        raise MessageError("no JSON")
    _check_object("the message", tree, ("gateway", "seq", "until", "command", "args"))
    if tree["gateway"] != gateway:
        raise MessageError("for another gateway")
    name = tree["command"]
    if not is_text(name):
        raise MessageError("command: needs a word")
    args = tree["args"]
    _check_object("args", args)
    for key in args:
        if args[key] is not None and not is_text(args[key]) and not is_integer(args[key]):
            raise MessageError("args: %s: needs plain text, a whole number or null" % key)
    return Command(_number(tree, "seq"), _number(tree, "until"), name, args)


def is_text(value: object) -> bool:
    """A short text of plain characters: it goes into events and on to other programs."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        return False
    return all(" " <= character <= "~" for character in value)


def is_integer(value: object) -> bool:
    """A whole number; JSON's true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_object(where: str, value: object, names: tuple[str, ...] | None = None) -> None:
    """Refuse what is no object with these names, or with names of any kind."""
    if not isinstance(value, dict) or len(value) > _MOST_ENTRIES:
        raise MessageError("%s: needs an object of at most %d entries" % (where, _MOST_ENTRIES))
    for name in value:
        if not is_text(name):
            raise MessageError("%s: a name is no plain text" % where)
        if names is not None and name not in names:
            raise MessageError("%s: no such entry: %s" % (where, name))
    for name in names or ():
        if name not in value:
            raise MessageError("%s: %s is missing" % (where, name))


def _number(tree: dict[str, Any], name: str) -> int:
    value = tree[name]
    if not is_integer(value) or not 1 <= value <= LARGEST_NUMBER:
        raise MessageError("%s: needs a whole number in 1..%d" % (name, LARGEST_NUMBER))
    return int(value)
