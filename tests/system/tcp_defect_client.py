# The gateway's TCP link over real sockets, on CPython and on MicroPython alike.
#
# On standard input a JSON plan with `port`, `timeout_ms`, `connect_timeout_ms`, `transaction` (the
# id before the first) and `steps`, each a list of what to do and its arguments. Prints one JSON
# object.

from __future__ import annotations

import gc
import json
import random
import sys

from bus_wait import BusWait
from sockets import Network

from gateway.clock import Clock, diff
from gateway.modbus import link as events
from gateway.modbus import pdu
from gateway.modbus.pdu import TCP
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.tcp_link import TcpLink

NAMES = ("NOTHING", "REPLY", "REFUSED", "TIMED_OUT", "GARBLED", "LOST")
COUNTERS = ("replies", "timeouts", "refusals", "late", "garbled", "losses")
LONGEST_MS = 3000  # that any step of a plan may take

BUILD = {
    "read": pdu.read_request,
    "register": pdu.write_register,
    "registers": pdu.write_registers,
    "coil": pdu.write_coil,
    "coils": pdu.write_coils,
}


class Client:
    def __init__(self, plan):
        self.clock = Clock()
        self.bus_wait = BusWait()
        self.time = ReplyTime(plan["timeout_ms"], plan["timeout_ms"])
        self.link = TcpLink(
            Network(self.bus_wait), "127.0.0.1", plan["port"], plan["connect_timeout_ms"], random
        )
        self.link._transaction = plan["transaction"]
        self.slowest_ms = 0  # longest call into the link
        self.wakes = 0  # waits for the answer to the last request

    def run(self, name, arguments):
        """Result of one step of the plan."""
        if name == "pause":
            return self._pause(arguments[0])
        if name == "jam":
            return self._jam()
        if name == "heap":
            return self._heap(BUILD[arguments[0]](TCP, *arguments[1:], self.time), 200)
        if name == "connect":
            return self._connect()
        return self._ask(BUILD[name](TCP, *arguments, self.time))

    def _ask(self, request):
        result = self._connect()
        if result["event"] != "IDLE":
            return result
        link = self.link
        began = self.clock.ticks()
        link.send(request, began)
        event = self._next_event(began)
        result = {
            "event": NAMES[event],
            "reason": link.reason,
            "wakes": self.wakes,
            "ms": diff(self.clock.ticks(), began),
        }
        if event == events.REPLY:
            result["data"] = list(bytes(link.buffer[request.data_at : request.expected]))
        if event == events.REFUSED:
            result["code"] = link.exception_code
        return result

    def _next_event(self, began):
        event = events.NOTHING
        self.wakes = 0
        while event == events.NOTHING and diff(self.clock.ticks(), began) < LONGEST_MS:
            self.wakes += 1
            now = self.clock.ticks()
            self.bus_wait.wait(min(self.link.wait_us(now), 20000))
            event = self._step()
        return event

    def _step(self):
        now = self.clock.ticks()
        event = self.link.step(now)
        self.slowest_ms = max(self.slowest_ms, diff(self.clock.ticks(), now))
        return event

    def _connect(self):
        """Until it can be used: IDLE, or the first event instead, with how often it was tried."""
        began = self.clock.ticks()
        wakes = 0
        while self.link.state != events.IDLE and diff(self.clock.ticks(), began) < LONGEST_MS:
            self.bus_wait.wait(20000)
            wakes += 1
            event = self._step()
            if event != events.NOTHING and "timed out" in self.link.reason:
                return {"event": NAMES[event], "reason": self.link.reason, "wakes": wakes}
        state = "IDLE" if self.link.state == events.IDLE else "CLOSED"
        return {"event": state, "reason": self.link.reason, "wakes": wakes}

    def _pause(self, duration_ms):
        """Step on without a request."""
        seen = []
        began = self.clock.ticks()
        while diff(self.clock.ticks(), began) < duration_ms:
            self.bus_wait.wait(5000)
            event = self._step()
            if event != events.NOTHING:
                seen.append(NAMES[event])
        return {"event": "PAUSE", "seen": seen}

    def _jam(self):
        """Fill the way to a server that does not read."""
        self._connect()
        block = bytearray(65536)
        for _ in range(1000):
            if self.link._stream.write(block) is None:
                return {"event": "JAMMED"}
        return {"event": "NOT JAMMED"}

    def _heap(self, request, count):
        """Bytes of heap that `count` good reads take; 0 where that cannot be measured."""
        self._connect()
        gc.collect()
        if not hasattr(gc, "mem_alloc"):
            return {"event": "HEAP", "bytes": 0}
        gc.disable()
        self._reads(request, 5)
        before = gc.mem_alloc()
        self._reads(request, count)
        taken = gc.mem_alloc() - before
        gc.enable()
        return {"event": "HEAP", "bytes": taken}

    def _reads(self, request, count):
        link = self.link
        for _ in range(count):
            now = self.clock.ticks()
            link.send(request, now)
            event = events.NOTHING
            while event == events.NOTHING:
                self.bus_wait.wait(100000)
                event = link.step(now)
            if event != events.REPLY:
                raise OSError(link.reason)


def main():
    plan = json.loads(sys.stdin.read())
    client = Client(plan)
    answers = [client.run(step[0], step[1:]) for step in plan["steps"]]
    report = {"answers": answers, "slowest_ms": client.slowest_ms}
    for name in COUNTERS:
        report[name] = getattr(client.link, name)
    print(json.dumps(report))


main()
