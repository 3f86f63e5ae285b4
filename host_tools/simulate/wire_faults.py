"""Faults of the wire and of the slave behind it: each spoils single answers."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from host_tools.simulate.exchange import RTU, TCP, Exchange
from host_tools.simulate.fault_base import Fault
from host_tools.simulate.rack_slave import exception


class WireFault(Fault):
    """Acts on an exchange with `probability`; each kind overrides one of the three moments."""

    probability: float = Field(default=1.0, gt=0, le=1)

    def applies(self, exchange: Exchange) -> bool:
        """Whether it has anything to do with this exchange."""
        return exchange.bus in self.buses

    def before(self, exchange: Exchange, rng: random.Random) -> None:
        """Before the slave sees the request."""

    def after(self, exchange: Exchange, rng: random.Random) -> None:
        """With the slave's answer, before its frame is made."""

    def on_frame(self, exchange: Exchange, rng: random.Random) -> None:
        """With the finished frame."""


class Dead(WireFault):
    """The unit hears nothing and says nothing."""

    kind: Literal["dead"] = "dead"

    @override
    def before(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.heard = False


class NoReply(WireFault):
    """The unit does what it is told, but its answer gets lost."""

    kind: Literal["no_reply"] = "no_reply"

    @override
    def on_frame(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.frame = b""


class Latency(WireFault):
    """Answers come `ms` later than usual, and up to `jitter_ms` more."""

    kind: Literal["latency"] = "latency"
    ms: float = Field(default=30.0, ge=0, le=60_000)
    jitter_ms: float = Field(default=0.0, ge=0, le=60_000)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.delay_ms += self.ms + rng.random() * self.jitter_ms


class LateReply(WireFault):
    """Answers come when nobody waits for them any more; the slave still answers in order."""

    kind: Literal["late_reply"] = "late_reply"
    ms: float = Field(default=700.0, ge=0, le=60_000)
    jitter_ms: float = Field(default=0.0, ge=0, le=60_000)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.delay_ms += self.ms + rng.random() * self.jitter_ms


class WrongTransaction(WireFault):
    """The answer carries another transaction id; `by` is added."""

    kind: Literal["wrong_transaction"] = "wrong_transaction"
    buses: ClassVar[tuple[str, ...]] = (TCP,)
    by: int = Field(default=-1, ge=-65535, le=65535)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.transaction = (exchange.transaction + self.by) & 0xFFFF


class WrongUnit(WireFault):
    """The answer carries another unit id; `by` is added."""

    kind: Literal["wrong_unit"] = "wrong_unit"
    by: int = Field(default=1, ge=-255, le=255)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.unit = (exchange.unit + self.by) & 0xFF


class WrongFunction(WireFault):
    """The answer carries another function code."""

    kind: Literal["wrong_function"] = "wrong_function"
    function: int = Field(default=4, ge=1, le=127)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.pdu = bytes([self.function]) + exchange.pdu[1:]


class ShortFrame(WireFault):
    """The last `count` bytes are missing; header and checksum fit what is sent."""

    kind: Literal["short_frame"] = "short_frame"
    count: int = Field(default=2, ge=1, le=250)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.pdu = exchange.pdu[: max(1, len(exchange.pdu) - self.count)]


class LongFrame(WireFault):
    """`count` bytes more than asked for; header and checksum fit what is sent."""

    kind: Literal["long_frame"] = "long_frame"
    count: int = Field(default=2, ge=1, le=200)

    @override
    def after(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.pdu += rng.randbytes(self.count)


class Noise(WireFault):
    """`bits` of the frame arrive inverted."""

    kind: Literal["noise"] = "noise"
    buses: ClassVar[tuple[str, ...]] = (RTU,)
    bits: int = Field(default=1, ge=1, le=64)

    @override
    def on_frame(self, exchange: Exchange, rng: random.Random) -> None:
        frame = bytearray(exchange.frame)
        for bit in rng.sample(range(8 * len(frame)), min(self.bits, 8 * len(frame))):
            frame[bit // 8] ^= 1 << bit % 8
        exchange.frame = bytes(frame)


class LostBytes(WireFault):
    """`count` bytes in a row get lost somewhere in the frame; nothing else changes."""

    kind: Literal["lost_bytes"] = "lost_bytes"
    count: int = Field(default=1, ge=1, le=250)

    @override
    def on_frame(self, exchange: Exchange, rng: random.Random) -> None:
        first = rng.randrange(max(1, len(exchange.frame) - self.count + 1))
        exchange.frame = exchange.frame[:first] + exchange.frame[first + self.count :]


class Split(WireFault):
    """The frame comes in segments of `count` bytes, `gap_ms` apart."""

    kind: Literal["split"] = "split"
    buses: ClassVar[tuple[str, ...]] = (TCP,)
    count: int = Field(default=3, ge=1, le=250)
    gap_ms: float = Field(default=2.0, ge=0, le=10_000)

    @override
    def on_frame(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.pieces, exchange.gap_ms = self.count, self.gap_ms


class Refusal(WireFault):
    """Exception `code` on all requests, or on those about a register in `first`..`last`."""

    kind: Literal["exception"] = "exception"
    code: int = Field(default=2, ge=1, le=255)
    first: int = Field(default=0, ge=0, le=0xFFFF)
    last: int = Field(default=0xFFFF, ge=0, le=0xFFFF)

    @model_validator(mode="after")
    def _in_order(self) -> Refusal:
        if self.last < self.first:
            raise ValueError("last must not be below first")
        return self

    @override
    def applies(self, exchange: Exchange) -> bool:
        return exchange.touches(self.first, self.last)

    @override
    def before(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.pdu = exception(exchange.request[0], self.code)


class Reset(WireFault):
    """The connection is reset instead of an answer."""

    kind: Literal["reset"] = "reset"
    buses: ClassVar[tuple[str, ...]] = (TCP,)

    @override
    def before(self, exchange: Exchange, rng: random.Random) -> None:
        exchange.reset = True


AnyWireFault = (
    Dead
    | NoReply
    | Latency
    | LateReply
    | WrongTransaction
    | WrongUnit
    | WrongFunction
    | ShortFrame
    | LongFrame
    | Noise
    | LostBytes
    | Split
    | Refusal
    | Reset
)
