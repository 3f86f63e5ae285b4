"""A gateway reduced to its uplink, run by either interpreter.

Options as JSON in $UPLINK_OPTIONS (MicroPython dies of an argument of more than 255 bytes): port,
records (events in all), samples (records of the finest lane), per_step and step_ms (how fast both
appear), racks (with live data), give_up_ms, packet_id (of the first message), settings (of
UplinkSettings), folder (of the configuration, with the files of TLS), clock (its quality). Log
lines go to stdout as they come, then a JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time

from folder_storage import FolderStorage
from memory_source import MemorySource
from sockets import open_stream

from gateway.clock import Clock
from gateway.rack.data import RackData
from gateway.telemetry.records import FINE, SAMPLE_FIELDS
from gateway.uplink.live import Live
from gateway.uplink.mqtt_client import MqttClient
from gateway.uplink.publisher import Publisher
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.tls_context import connector

BOOT = 7


class PrintLog:
    def info(self, message, *arguments):
        print(message % arguments)
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()

    warning = error = info


def make_live(client, settings, clock, count):
    """Live data of so many racks; the summary's number counts how often a rack was asked."""
    now = clock.ticks()
    racks = [RackData(index, f"r{index:02d}", 16, 4, 2000, now) for index in range(count)]
    asked = [0] * count
    number = SAMPLE_FIELDS.index("summary_number")

    def summary_of(rack, values):
        asked[rack] += 1
        values[0] = rack
        values[number] = asked[rack]

    return Live(
        client,
        racks,
        summary_of,
        lambda: 0,
        settings,
        clock,
        site="plant-7",
        gateway="gw-001",
        boot=BOOT,
    )


def open_files():
    """Files and sockets of this process; -1 on a system that does not tell."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return -1


async def feed(source, total, clock, options):
    """Append `total` records step by step."""
    done = 0
    while done < total:
        count = min(options["per_step"], total - done)
        source.append(BOOT, done + 1, count)
        done += count
        if options["step_ms"]:
            await clock.sleep_ms(options["step_ms"])


async def main(options):
    clock, log = Clock(options["clock"]), PrintLog()
    appended = asyncio.Event()
    events = MemorySource(appended)
    samples = MemorySource(appended, FINE, "blocks", slow=1)
    settings = UplinkSettings(
        host="127.0.0.1", port=options["port"], client_id="gw-001", **options["settings"]
    )
    connect = connector(open_stream, FolderStorage(options["folder"]), settings, clock)
    client = MqttClient(settings, connect, clock, log, random)
    live = make_live(client, settings, clock, options["racks"]) if options["racks"] else None
    publisher = Publisher(
        client,
        (events, samples),
        live,
        settings,
        clock,
        log,
        random,
        appended=appended,
        site="plant-7",
        gateway="gw-001",
        boot=BOOT,
        version="0",
    )
    client.window.next_packet_id = options["packet_id"]
    task = asyncio.create_task(client.run())
    began = time.time()
    feeding = [
        asyncio.create_task(feed(events, options["records"], clock, options)),
        asyncio.create_task(feed(samples, options["samples"], clock, options)),
    ]
    drained = False
    if options["records"]:
        for each in feeding:
            await each
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
                "backlog": publisher.backlog,
                "cursor": events.cursor,
                "samples_cursor": samples.cursor,
                "reconnects": client.reconnects,
                "protocol_errors": client.protocol_errors,
                "timeouts": client.timeouts,
                "messages": publisher.messages,
                "next_packet_id": client.window.next_packet_id,
                "state": client.state,
                "reason": client.last_reason,
                "live": live.sent if live else 0,
                "live_skipped": live.skipped if live else 0,
                "files": open_files(),
                "seconds": time.time() - began,
            }
        )
    )


asyncio.run(main(json.loads(os.getenv("UPLINK_OPTIONS"))))
