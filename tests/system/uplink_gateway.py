"""A gateway reduced to its uplink, run by either interpreter.

Options as JSON in $UPLINK_OPTIONS (MicroPython dies of an argument of more than 255 bytes): port,
records (in all), per_step and step_ms (how fast they appear), give_up_ms, packet_id (of the first
message), settings (of UplinkSettings). Log lines go to stdout as they come, then a JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time

from memory_journal import MemoryJournal
from scripted_broker import connect

from gateway.clock import Clock
from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.publisher import Publisher
from gateway.uplink.settings import UplinkSettings

BOOT = 7


class PrintLog:
    def info(self, message, *arguments):
        print(message % arguments)
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()

    warning = error = info


async def feed(journal, clock, options):
    """Append the records step by step."""
    done = 0
    while done < options["records"]:
        count = min(options["per_step"], options["records"] - done)
        journal.append(BOOT, done + 1, count)
        done += count
        if options["step_ms"]:
            await clock.sleep_ms(options["step_ms"])


async def main(options):
    clock, log, journal = Clock(), PrintLog(), MemoryJournal()
    settings = UplinkSettings(
        host="127.0.0.1", port=options["port"], client_id="gw-001", **options["settings"]
    )
    client = MqttClient(settings, connect, clock, log, random)
    publisher = Publisher(
        client,
        journal,
        settings,
        clock,
        log,
        site="plant-7",
        gateway="gw-001",
        boot=BOOT,
        version="0",
    )
    client.window.next_packet_id = options["packet_id"]
    task = asyncio.create_task(client.run())
    began = time.time()
    feeding = asyncio.create_task(feed(journal, clock, options))
    drained = False
    if options["records"]:
        await feeding
        drained = await publisher.drain(options["give_up_ms"])
    else:
        await clock.sleep_ms(options["give_up_ms"])
        client.stop()
    await task
    print(
        json.dumps(
            {
                "interpreter": sys.implementation.name,
                "drained": drained,
                "backlog": journal.backlog,
                "cursor": journal.cursor,
                "reconnects": client.reconnects,
                "protocol_errors": client.protocol_errors,
                "timeouts": client.timeouts,
                "messages": publisher.messages,
                "next_packet_id": client.window.next_packet_id,
                "state": client.state,
                "seconds": time.time() - began,
            }
        )
    )


asyncio.run(main(json.loads(os.getenv("UPLINK_OPTIONS"))))
