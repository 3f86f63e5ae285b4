"""Live data with racks in RAM and a broker that behaves as each test says."""

from __future__ import annotations

import asyncio
import binascii
import json
import random
import struct
import unittest
from array import array

from scripted_broker import (
    PUBLISH,
    FastClock,
    LineLog,
    ScriptedBroker,
    accept_all,
    connect,
    run,
    until,
)

from gateway.clock import RTC
from gateway.rack.data import RackData
from gateway.telemetry import records
from gateway.telemetry.sections import SetEncoder
from gateway.uplink.live import SUMMARY, Live
from gateway.uplink.mqtt_client import UP, MqttClient
from gateway.uplink.settings import UplinkSettings

CELLS, TEMPS = 48, 12
BASE = "bess/v1/plant-7/gw-001/"


class Bench:
    """Live, client and a scripted broker; `seen` counts how often each rack was asked."""

    def __init__(self, answer=accept_all, racks=3, **settings):
        self.broker = ScriptedBroker(answer)
        self.clock = FastClock(RTC)
        now = self.clock.ticks()
        self.racks = [RackData(i, "r%02d" % i, CELLS, TEMPS, 2000, now) for i in range(racks)]
        self.asked = [0] * racks
        self.stalls = 0
        self._settings = settings
        self.client = self.live = self.task = None

    async def __aenter__(self):
        await self.broker.start()
        options = {"reconnect_base_ms": 200, "live_period_ms": 1000, "live_cells": True}
        options.update(self._settings)
        settings = UplinkSettings(
            host="127.0.0.1", port=self.broker.port, client_id="gw-001", **options
        )
        self.client = MqttClient(settings, connect, self.clock, LineLog(), random)
        self.live = Live(
            self.client,
            self.racks,
            self.fill,
            lambda: self.stalls,
            settings,
            self.clock,
            site="plant-7",
            gateway="gw-001",
            boot=7,
        )
        return self

    async def __aexit__(self, kind, error, trace):
        if self.task is not None and not self.task.done():
            self.client.stop()
            await self.task
        await self.broker.stop()

    def start(self):
        self.task = asyncio.create_task(self.client.run())

    def fill(self, rack, values):
        self.asked[rack] += 1
        for index in range(len(values)):
            values[index] = 100 * rack + index
        values[records.SAMPLE_FIELDS.index("rack")] = rack
        values[records.SAMPLE_FIELDS.index("summary_number")] = self.asked[rack]

    def scan(self, rack, first_mv=3300):
        data = self.racks[rack]
        for cell in range(CELLS):
            data.cells_mv[cell] = first_mv + cell
        data.cells_sequence += 1
        data.cells_acquired = self.clock.ticks()

    def messages(self, topic):
        return [p for p in self.broker.of_kind(PUBLISH) if p.topic == BASE + topic]


class TestSummaries(unittest.TestCase):
    def test_every_rack_each_period_newest_once(self):
        async def main():
            async with Bench() as bench:
                bench.start()
                await until(lambda: len(bench.messages("live/r02")) >= 4)
                for rack in range(3):
                    found = [json.loads(p.payload) for p in bench.messages("live/r%02d" % rack)]
                    numbers = [each["summary_number"] for each in found]
                    self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
                    times = [each["uptime_ms"] for each in found]
                    self.assertGreaterEqual(times[3] - times[0], 2500)
                    self.assertEqual({each["rack"] for each in found}, {rack})
                packet = bench.messages("live/r01")[0]
                self.assertEqual(packet.flags, 0)  # QoS 0, not retained

        run(main())

    def test_a_fresh_summary_goes_out_at_once_and_once(self):
        async def main():
            async with Bench(racks=1) as bench:
                bench.start()
                await until(lambda: bench.messages("live/r00"))  # of a rack that says nothing new
                begin = bench.clock.uptime_ms()
                for number in range(1, 6):
                    while bench.clock.uptime_ms() - begin < number * 1000:
                        await asyncio.sleep(0.002)
                    before = bench.clock.uptime_ms()
                    bench.racks[0].sequence += 1
                    await until(lambda count=number: len(bench.messages("live/r00")) > count)
                    told = json.loads(bench.messages("live/r00")[-1].payload)
                    self.assertGreaterEqual(told["uptime_ms"], before)
                self.assertEqual(bench.live.sent, 6)
                self.assertEqual(bench.live.skipped, 0)

        run(main())

    def test_the_template_names_the_fields_of_a_summary_in_their_order(self):
        names = [piece.split('"')[1] for piece in SUMMARY.split(",")]
        self.assertEqual(names[5:], list(records.SAMPLE_FIELDS))
        self.assertEqual(names[:5], ["boot", "uptime_ms", "utc_ms", "clock", "stalls"])
        self.assertEqual(len(records.SAMPLE_FIELDS), len(records.SAMPLE_PAYLOAD) - 1)

    def test_all_fields_and_the_time(self):
        async def main():
            async with Bench(racks=1) as bench:
                bench.start()
                await until(lambda: bench.messages("live/r00"))
                found = json.loads(bench.messages("live/r00")[0].payload)
                expected = {name: index for index, name in enumerate(records.SAMPLE_FIELDS)}
                expected["summary_number"] = 1
                self.assertEqual({name: found.pop(name) for name in expected}, expected)
                self.assertEqual((found.pop("boot"), found.pop("clock")), (7, RTC))
                self.assertGreater(found.pop("utc_ms"), 1700000000000)
                self.assertGreaterEqual(found.pop("uptime_ms"), 0)
                self.assertEqual(found, {"stalls": 0})
                bench.stalls = 3
                before = len(bench.messages("live/r00"))
                await until(lambda: len(bench.messages("live/r00")) > before)
                found = json.loads(bench.messages("live/r00")[-1].payload)
                self.assertEqual(found["stalls"], 3)

        run(main())

    def test_what_is_not_known_is_null_and_numbers_are_whole(self):
        async def main():
            async with Bench(racks=1) as bench:
                place = records.SAMPLE_FIELDS.index

                def fill(rack, values):
                    values[place("soc_pm")] = records.NO_UNSIGNED
                    values[place("temp_max_dc")] = records.NO_SIGNED
                    values[place("rule")] = 255
                    values[place("temp_min_dc")] = -205
                    values[place("acquired_ms")] = -1  # 2^32 - 1 in a signed number

                bench.live._summary_of = fill
                bench.start()
                await until(lambda: bench.messages("live/r00"))
                found = json.loads(bench.messages("live/r00")[0].payload)
                for name in ("soc_pm", "temp_max_dc", "rule"):
                    self.assertEqual(found[name], None)
                self.assertEqual(found["temp_min_dc"], -205)
                self.assertEqual(found["acquired_ms"], 0xFFFFFFFF)

        run(main())

    def test_largest_numbers_fit(self):
        async def main():
            async with Bench(racks=1, live_cells=False) as bench:

                def fill(rack, values):
                    for index in range(len(values)):
                        values[index] = -(1 << 31)

                bench.live._summary_of = fill
                bench.clock._uptime_ms = (1 << 53) - 100000
                bench.live._told_ms[0] = (1 << 53) - 200000
                bench.stalls = 0xFFFFFFFF
                bench.start()
                await until(lambda: bench.messages("live/r00"))
                self.assertEqual(bench.client.state, UP)
                json.loads(bench.messages("live/r00")[0].payload)

        run(main())

    def test_nothing_is_sent_later_what_was_missed_is_counted(self):
        async def main():
            async with Bench(racks=2) as bench:
                await asyncio.sleep(0.55)  # five periods without a session
                self.assertEqual(bench.asked, [0, 0])
                bench.start()
                await until(lambda: bench.live.sent >= 4)
                skipped = bench.live.skipped
                self.assertGreaterEqual(skipped, 2 * 4)
                first = json.loads(bench.messages("live/r00")[0].payload)
                self.assertEqual(first["summary_number"], 1)
                await until(lambda: bench.live.sent >= 10)
                self.assertEqual(sum(bench.asked), bench.live.sent)

        run(main())

    def test_while_the_socket_takes_nothing_nothing_new_is_built(self):
        async def main():
            async with Bench(racks=1, reply_timeout_ms=60000) as bench:
                bench.start()
                await until(lambda: bench.live.sent >= 1)
                async with bench.client._lock:  # as a packet under way holds it
                    asked = bench.asked[0]
                    await asyncio.sleep(0.5)
                    self.assertLessEqual(bench.asked[0], asked + 1)
                await until(lambda: bench.live.skipped >= 2)
                sent = bench.live.sent
                await until(lambda: bench.live.sent > sent)

        run(main())

    def test_none_wanted_none_sent(self):
        async def main():
            async with Bench(live_period_ms=0) as bench:
                bench.start()
                await until(lambda: bench.client.state == UP)
                bench.scan(1)
                await until(lambda: bench.live.sent)
                await asyncio.sleep(0.3)
                topics = [packet.topic for packet in bench.broker.of_kind(PUBLISH)]
                self.assertEqual(topics, [BASE + "cells/r01"])

        run(main())


class TestCells(unittest.TestCase):
    def test_each_whole_scan_once_as_a_block_that_needs_no_other(self):
        async def main():
            async with Bench(live_period_ms=600000) as bench:
                bench.start()
                await until(lambda: bench.client.state == UP)
                for number in range(1, 4):
                    bench.scan(2, 3000 + number)
                    await until(lambda count=number: len(bench.messages("cells/r02")) == count)
                await asyncio.sleep(0.1)
                packets = bench.messages("cells/r02")
                self.assertEqual((len(packets), packets[0].flags), (3, 0))
                for number in range(1, 4):
                    self.check(packets[number - 1].payload, 3000 + number)

        run(main())

    def check(self, block, first_mv):
        header = struct.unpack_from(records.BLOCK, block, 0)
        self.assertEqual(header, (1, records.FINE, 2, 0, 1, 7, 0, 0))
        crc = struct.unpack("<I", block[-4:])[0]
        self.assertEqual(crc, binascii.crc32(block[:-4]))
        start = records.BLOCK_BYTES + records.BLOCK_TIME_BYTES
        rack, flags, cells, temps, summary, age = struct.unpack_from(records.SECTION, block, start)
        self.assertEqual((rack, flags), (2, records.KEY))
        self.assertEqual(temps, 0)  # no scan of the temperatures yet
        self.assertEqual(len(block), start + records.SECTION_BYTES + summary + cells + 4)
        # The frame itself is the codec's: what a chain of its own writes as its first.
        mine = SetEncoder(1, CELLS, TEMPS)
        out = bytearray(mine.largest)
        mv = array("H", [first_mv + cell for cell in range(CELLS)])
        end = mine.encode(0, [0] * len(records.SAMPLE_FIELDS), mv, None, 0, True, out, 0)
        self.assertEqual(block[-4 - cells : -4], bytes(out[end - cells : end]))

    def test_scans_that_nobody_was_told_of_are_counted(self):
        async def main():
            async with Bench(racks=1, live_period_ms=0) as bench:
                for _ in range(5):
                    bench.scan(0)
                bench.start()
                await until(lambda: bench.live.sent == 1)
                self.assertEqual(bench.live.skipped, 4)
                self.assertEqual(bench.live.bytes, len(bench.messages("cells/r00")[0].payload))

        run(main())


if __name__ == "__main__":
    unittest.main()
