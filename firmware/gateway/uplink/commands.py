"""Commands from upstream: who may order, what was ordered last, what became of it.

A message is taken in this order: signed with this device's key, a command to this gateway, still
valid, numbered above every one before it; then the number is kept, then the order is carried out,
then an event records it and a signed reply goes out. Whoever owns the broker or an account on it
can keep messages from arriving, and nothing else: it cannot make, change, repeat or delay one for
long. What the orders can do at all is up to their table (note 0013).
"""

from __future__ import annotations

import asyncio
import json

from micropython import const

from gateway.clock import UNSET, diff
from gateway.uplink.mqtt_packet import PublishFrame
from gateway.uplink.reply_limit import ReplyLimit
from gateway.uplink.signed_message import (
    LONGEST,
    REPLY,
    MessageError,
    read_command,
    seal,
    unseal,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Log
    from gateway.uplink.command_sequence import CommandSequence
    from gateway.uplink.mqtt_client import MqttClient
    from gateway.uplink.signed_message import Command

    # Name of a command -> (function of its arguments that gives the answer, whether it acts).
    Table = dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], bool]]

LONGEST_VALID_S = 3600  # a message that is held back longer is worth nothing
REPLY_BYTES = 4096
_MOST_WAITING = const(4)  # orders, and replies
_QUIET_MS = const(60000)  # between two records of refused messages: flash is not for strangers
_LONGEST_EVENT = const(160)
_SPARE = const(2)  # places of the window that replies leave free: an event's and a sample's
_YIELD_MS = const(2000)  # for so long: samples alone can keep a window full for hours
_ROOM_MS = const(20)  # between two looks at it


class Commands:
    """Subscribes to `bess/v1/<site>/<gateway>/command`, replies on `.../reply`.

    `note(text)` records an event. An answer with "refused" in it says why nothing was done, one
    with "kept" False that a restart would still undo it, one with "but" what of it was not done.
    `acked` is called when a reply has made
    room in the window.
    """

    def __init__(
        self,
        client: MqttClient,
        key: bytes,
        sequence: CommandSequence,
        table: Table,
        clock: Clock,
        note: Callable[[str], None],
        log: Log,
        *,
        site: str,
        gateway: str,
        acked: Callable[[Any], None] | None = None,
    ) -> None:
        self._client = client
        self._key = key
        self._sequence = sequence
        self._table = table
        self._clock = clock
        self._note = note
        self._log = log
        self._gateway = gateway
        topic = "bess/v1/%s/%s/" % (site, gateway)
        self._reply = PublishFrame(topic + "reply", REPLY_BYTES)
        self._waiting: list[Command] = []
        self._replies: list[bytes] = []
        self._acked = acked
        self._spare = min(_SPARE, client.window.room - 1)  # it is empty now
        self._limit = ReplyLimit()
        self._wake = asyncio.Event()
        self._told_ticks: int | None = None  # when a refused message was recorded last
        self._untold = 0
        self.done = 0
        self.refused = 0  # signed, and not done
        self.strangers = 0  # not signed with our key
        self.replies_lost = 0
        self.replies_withheld = 0  # of refused messages that came again and again
        client.subscribe(((topic + "command", 1),), self.take)
        client.add_service(self.serve)

    def status(self) -> dict[str, object]:
        """For whoever looks at the gateway."""
        return {
            "state": "on",
            "done": self.done,
            "refused": self.refused,
            "strangers": self.strangers,
            "last": self._sequence.last,
            "replies_lost": self.replies_lost,
            "replies_withheld": self.replies_withheld,
            "write_errors": self._sequence.write_errors,
        }

    def take(self, _topic: str, payload: bytes, retained: bool) -> None:
        """Look at one message, and let it wait for `serve` if it may be done; raises nothing."""
        body = None
        if not retained and len(payload) <= LONGEST:
            body = unseal(self._key, payload)
        if body is None:
            self.strangers += 1
            if self._tell("a message that is not signed with this device's key"):
                self._answer(None, {"refused": "not signed with this device's key"})
            return
        try:
            command = read_command(body, self._gateway)
        except MessageError as error:
            self._turn_away(None, str(error))
            return
        reason = self._objection(command)
        if reason:
            self._turn_away(command.seq, reason)
            return
        self._sequence.see(command.seq)
        self._waiting.append(command)
        self._wake.set()

    async def serve(self) -> None:
        """Carry out what came in this session and send the replies; the client runs it."""
        self._waiting.clear()  # of the session before: nobody waits for it any more
        while True:
            await self.work_off()
            while self._replies:
                await self._yield_window()
                reply = self._replies[0]  # only now: a full queue may have lost its oldest
                await self._client.publish(self._reply, self._reply.put(reply), self._acked)
                if self._replies and self._replies[0] is reply:
                    self._replies.pop(0)
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()

    async def work_off(self) -> None:
        """Carry out the orders that wait."""
        while self._waiting:
            await self._carry_out(self._waiting.pop(0))

    def watch_time(self) -> None:
        """Once a second or so, and before the clock is set: the latest time is remembered."""
        self._see_time()
        self._sequence.keep_time()

    def _see_time(self) -> None:
        if self._clock.utc_quality != UNSET:
            self._sequence.see_time(self._clock.utc_ms() // 1000)

    async def _yield_window(self) -> None:
        """Let events and samples go first, for a while; orders do not wait for that."""
        clock = self._clock
        since = clock.ticks()
        while self._client.window.room <= self._spare and diff(clock.ticks(), since) < _YIELD_MS:
            await self.work_off()
            await clock.sleep_ms(_ROOM_MS)

    def _objection(self, command: Command) -> str:
        """Why a well-formed command is not for now; "" when it is."""
        if command.name not in self._table:
            return "no such command; there are: " + ", ".join(sorted(self._table))
        if len(self._waiting) >= _MOST_WAITING:
            return "%d others wait: again in a moment" % len(self._waiting)
        if command.seq <= self._sequence.last:
            return "seq %d is not above the last one, %d" % (command.seq, self._sequence.last)
        self._see_time()
        left_s = command.until_s - self._sequence.latest_s
        if left_s < 0:
            return "too late by %d s" % -left_s
        if left_s > LONGEST_VALID_S and self._clock.utc_quality != UNSET:
            return "valid for longer than %d s" % LONGEST_VALID_S
        return ""

    async def _carry_out(self, command: Command) -> None:
        order, acts = self._table[command.name]
        if acts:
            if not self._sequence.keep(command.seq):
                self._refuse(command.seq, "the flash does not take its number")
                return
            await asyncio.sleep(0)  # protection has its turn before the order writes, too
        answer = order(command.args)
        text = command.name
        if command.args:
            text += " " + json.dumps(command.args)
        if "refused" in answer:
            self.refused += 1
            text += ": refused: " + str(answer["refused"])
        else:
            self.done += 1
            but = answer.get("but", "" if answer.get("kept", True) else "not kept yet")
            text += ": done, but " + but if but else ": done"
        self._note(text[:_LONGEST_EVENT])
        self._answer(command.seq, answer)

    def _turn_away(self, seq: int | None, reason: str) -> None:
        """Refuse a signed message as it comes, which may be for the thousandth time."""
        self._refuse(seq, reason, self._limit.allows(seq, self._clock.ticks()))

    def _refuse(self, seq: int | None, reason: str, with_reply: bool = True) -> None:
        """Record, and answer, a signed message that is not carried out."""
        self.refused += 1
        self._tell(reason)
        if with_reply:
            self._answer(seq, {"refused": reason})
        else:
            self.replies_withheld += 1

    def _tell(self, reason: str) -> bool:
        """Record what was refused unless the last time is not long ago; whether it was."""
        now = self._clock.ticks()
        if self._told_ticks is not None and 0 <= diff(now, self._told_ticks) < _QUIET_MS:
            self._untold += 1
            return False
        text = "refused: " + reason
        if self._untold:
            text += " (and %d before it)" % self._untold
        self._told_ticks = now
        self._untold = 0
        self._note(text[:_LONGEST_EVENT])
        return True

    def _answer(self, seq: int | None, answer: dict[str, Any]) -> None:
        """Put a reply in the queue; a full one loses its oldest."""
        reply = {
            "gateway": self._gateway,
            "seq": seq,
            "last": self._sequence.last,
            "utc_s": max(self._clock.utc_ms() // 1000, self._sequence.latest_s),
            "clock": self._clock.utc_quality,
            "answer": answer,
        }
        message = seal(self._key, json.dumps(reply).encode(), REPLY)
        if len(message) > REPLY_BYTES:
            self._log.error("a reply of %d bytes is too long to be sent", len(message))
            reply["answer"] = {"done": "the answer of %d bytes is too long" % len(message)}
            message = seal(self._key, json.dumps(reply).encode(), REPLY)
        if len(self._replies) >= _MOST_WAITING:
            self._replies.pop(0)
            self.replies_lost += 1
        self._replies.append(message)
        self._wake.set()
