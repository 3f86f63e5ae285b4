"""Any bytes, and any signed JSON, to the command parser: obeyed is what a model obeys."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from command_bench import GATEWAY, KEY, CommandBench
from hypothesis import example, given, settings
from hypothesis import strategies as st

LARGEST = 2**53 - 1
PLAIN = {chr(code) for code in range(32, 127)}


def sign(body: bytes) -> bytes:
    """With the standard library, so that a mistake of ours cannot agree with itself."""
    return hmac.new(KEY, body, hashlib.sha256).hexdigest().encode() + b"\n" + body


def plain(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 64 and set(value) <= PLAIN


def whole(value: object) -> bool:
    return type(value) is int


def may_act(tree: object, now_s: int, last: int) -> bool:
    """The model: what a command has to be."""
    if not isinstance(tree, dict):
        return False
    if set(tree) != {"gateway", "seq", "until", "command", "args"}:
        return False
    seq, until, args = tree["seq"], tree["until"], tree["args"]
    return (
        tree["gateway"] == GATEWAY
        and whole(seq)
        and last < seq <= LARGEST
        and whole(until)
        and now_s <= until <= now_s + 3600
        and tree["command"] in ("limit", "status")
        and isinstance(args, dict)
        and len(args) <= 8
        and all(plain(name) for name in args)
        and all(each is None or plain(each) or whole(each) for each in args.values())
    )


NOW_S = CommandBench().now_s()
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=70)
    | st.sampled_from([GATEWAY, "limit", "status", "rack01", "all"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
ARGS = st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text(max_size=9))
COMMANDS = st.fixed_dictionaries(
    {
        "gateway": st.just(GATEWAY) | ANYTHING,
        "seq": st.integers(-1, 300) | st.sampled_from([LARGEST, LARGEST + 1]) | ANYTHING,
        "until": st.integers(NOW_S - 2, NOW_S + 2)
        | st.integers(NOW_S + 3598, NOW_S + 3602)
        | ANYTHING,
        "command": st.sampled_from(["limit", "status"]) | ANYTHING,
        "args": ARGS | ANYTHING,
    },
    optional={"more": ANYTHING},
)


@settings(deadline=None)
@given(st.binary(max_size=1100))
@example(b"")
@example(b"0" * 64 + b"\n")
@example(b"0" * 64 + b"\n{}")
def test_bytes_that_nobody_signed_order_nothing(payload: bytes) -> None:
    bench = CommandBench()
    bench.deliver(payload)
    assert bench.orders == []
    assert bench.storage.files == {}
    assert bench.commands.strangers == 1


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=1000) | st.text(min_size=1, max_size=300).map(str.encode))
@example(b"[" * 900)
@example(b'{"a":' * 150 + b"}" * 150)
@example(b"1" * 900)
@example(b'"' + b"\\ud800" * 100 + b'"')
def test_signed_bytes_that_are_no_command_are_answered(body: bytes) -> None:
    bench = CommandBench()
    (reply,) = bench.deliver(sign(body))
    assert bench.orders == []
    assert reply["answer"]["refused"]


@settings(deadline=None, max_examples=300)
@given(ANYTHING | COMMANDS)
def test_signed_json_acts_exactly_when_the_model_says_so(tree: Any) -> None:
    bench = CommandBench()
    bench.send(seq=150)
    bench.orders.clear()
    payload = sign(json.dumps(tree).encode())
    replies = bench.deliver(payload)
    expected = len(payload) <= 1024 and may_act(tree, NOW_S, 150)
    # Brackets inside of texts are refused too: no name has one.
    if expected and payload[65:].count(b"{") + payload[65:].count(b"[") > 2:
        expected = False
    assert bench.orders == ([tree["args"]] if expected else [])
    assert len(replies) == 1
    assert ("refused" in replies[0]["answer"]) != expected
    bench.deliver(payload)
    assert len(bench.orders) <= 1


@settings(deadline=None)
@given(st.data())
def test_a_good_command_with_a_piece_changed_orders_nothing(data: st.DataObject) -> None:
    bench = CommandBench()
    good = sign(json.dumps(bench.tree()).encode())
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    payload = good[:start] + data.draw(st.binary(max_size=20)) + good[end:]
    bench.deliver(payload)
    assert len(bench.orders) == (1 if payload == good else 0)
