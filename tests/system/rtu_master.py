# rtu_master.py PLAN: run on either interpreter; do the requests of the JSON file PLAN over a real
# serial line and print a JSON list of what came of each.

import json
import sys

import micropython
from bus_wait import BusWait
from serial_line import SerialLine

from gateway.clock import Clock, diff
from gateway.modbus import pdu
from gateway.modbus.link import IDLE, NOTHING
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.rtu_link import RtuLink

lock = getattr(micropython, "heap_lock", int)  # nothing may be allocated in between
unlock = getattr(micropython, "heap_unlock", int)
EVENTS = ("NOTHING", "REPLY", "REFUSED", "TIMED_OUT", "GARBLED", "LOST")


def build(item, reply_time):
    kind, unit, address, value = item[:4]
    if kind == "write":
        return pdu.write_register(pdu.RTU, unit, address, value, reply_time)
    return pdu.read_request(pdu.RTU, unit, int(kind), address, value, reply_time)


def main(plan):
    clock = Clock()
    wait = BusWait()
    parity, stop = plan["format"]
    port = SerialLine(plan["path"], plan["baud"], parity, stop, clock.micros, wait)
    link = RtuLink(port, clock.micros)
    reply_time = ReplyTime(*plan["reply_ms"])
    results = []
    requests = [build(item, reply_time) for item in plan["requests"]]

    def until_idle():
        while link.state != IDLE:
            link.step(clock.ticks())
            if link.state != IDLE:
                wait.wait(link.wait_us(clock.ticks()))

    for index in range(len(requests)):
        request = requests[index]
        pause_ms = plan["requests"][index][4] if len(plan["requests"][index]) > 4 else 0
        started = clock.ticks()
        while diff(clock.ticks(), started) < pause_ms:
            link.step(clock.ticks())
            wait.wait(1000)
        until_idle()
        began = clock.micros()
        event = NOTHING
        lock()
        link.send(request, clock.ticks())
        while event == NOTHING:
            wait.wait(link.wait_us(clock.ticks()))
            event = link.step(clock.ticks())
        unlock()
        ended = clock.micros()
        until_idle()
        size = request.expected if event == 1 and request.function <= 4 else 3
        results.append(
            {
                "event": EVENTS[event],
                "us": diff(ended, began),
                "cycle_us": diff(clock.micros(), began),
                "values": [
                    link.buffer[at] << 8 | link.buffer[at + 1] for at in range(3, size - 2, 2)
                ],
                "code": link.exception_code,
            }
        )
    counters = {}
    for name in ("replies", "timeouts", "refusals", "late", "garbled", "losses"):
        counters[name] = getattr(link, name)
    print(json.dumps({"results": results, "counters": counters}))
    port.close()


with open(sys.argv[1]) as file:
    main(json.loads(file.read()))
