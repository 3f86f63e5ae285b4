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

from gateway.clock import UNSET, diff
from gateway.uplink.mqtt_packet import PublishFrame
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
_MOST_WAITING = 4  # orders, and replies
_QUIET_MS = 60000  # refused messages are recorded this often at most: flash is not for strangers
_LONGEST_EVENT = 160


class Commands:
    """Subscribes to `bess/v1/<site>/<gateway>/command`, replies on `.../reply`.

    `note(text)` records an event. An answer with "refused" in it says why nothing was done.
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
        self._wake = asyncio.Event()
        self._told_ticks: int | None = None  # when a refused message was recorded last
        self._untold = 0
        self.done = 0
        self.refused = 0  # signed, and not done
        self.strangers = 0  # not signed with our key
        self.replies_lost = 0
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
            self._refuse(None, str(error))
            return
        reason = self._objection(command)
        if reason:
            self._refuse(command.seq, reason)
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
                reply = self._replies[0]
                await self._client.publish(self._reply, self._reply.put(reply))
                if self._replies and self._replies[0] is reply:
                    self._replies.pop(0)
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()

    async def work_off(self) -> None:
        """Carry out the orders that wait."""
        while self._waiting:
            await self._carry_out(self._waiting.pop(0))

    def _objection(self, command: Command) -> str:
        """Why a well-formed command is not for now; "" when it is."""
        if command.name not in self._table:
            return "no such command; there are: " + ", ".join(sorted(self._table))
        if len(self._waiting) >= _MOST_WAITING:
            return "%d others wait: again in a moment" % len(self._waiting)
        if command.seq <= self._sequence.last:
            return "seq %d is not above the last one, %d" % (command.seq, self._sequence.last)
        if self._clock.utc_quality == UNSET:
            return ""  # then the number alone protects
        left_s = command.until_s - self._clock.utc_ms() // 1000
        if left_s < 0:
            return "too late by %d s" % -left_s
        if left_s > LONGEST_VALID_S:
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
            text += ": done"
        self._note(text[:_LONGEST_EVENT])
        self._answer(command.seq, answer)

    def _refuse(self, seq: int | None, reason: str) -> None:
        """Answer a signed message that is not carried out."""
        self.refused += 1
        self._tell(reason)
        self._answer(seq, {"refused": reason})

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
            "utc_s": self._clock.utc_ms() // 1000,
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
