"""A whole board in RAM: racks on wires, relays and inputs to look at, files to keep or damage."""

import asyncio
import json
import random
import time

from fake_hardware import FakeDeadMan, FakeRelays, MemoryStorage
from rack_wire import LiveRack
from sample_site import tree

from gateway.clock import Clock
from gateway.config import file as config_file

CELLS = 208


class FakeInputs:
    def __init__(self, count):
        self.count = count
        self.state = bytearray(count)

    def get(self, number):
        return self.state[number] == 1


class FakeBoard:
    """Two racks. Real time, so the configuration is a quick one."""

    interpreter = "test"
    unique_id = "test"
    console_port = 0
    capabilities = ("tcp", "simulated")
    rtc = None

    def __init__(self, data=None, **changes):
        self.clock = Clock()
        self.random = random
        self.relays = FakeRelays(4)
        self.inputs = FakeInputs(3)
        self.dead_man = FakeDeadMan()
        self.wires = {15020 + index: LiveRack(CELLS, self._relay_of(index)) for index in range(2)}
        self.config = MemoryStorage()
        self.configure(json.dumps(quick_tree(changes)).encode())
        self.data = MemoryStorage(data)
        self.fed = 0
        self.ended = asyncio.Event()

    def configure(self, content):
        """Put these bytes in the place of the configuration, with the checksum that fits."""
        self.config.files[config_file.FILE] = content
        self.config.files[config_file.CRC_FILE] = config_file.checksum_text(content)

    def _relay_of(self, index):
        return lambda: self.relays.state[index] == 1

    def network(self):
        return self

    def connect(self, host, port):
        return self.wires[port].connect(host, port)

    def datagram(self, host, port):
        raise OSError(101)

    def uart(self, number, baud, parity, stop):
        raise OSError(19)

    def wait_for_bus(self, timeout_us):
        time.sleep(min(timeout_us, 500) / 1000000)

    def storage(self, role):
        return self.config if role == "config" else self.data

    def watchdog(self, timeout_ms):
        return self

    def feed(self):
        self.fed += 1

    def heap(self):
        return 1, 1

    async def listen(self, handler, port):
        raise OSError(98)

    async def open_stream(self, host, port):
        raise OSError(111)

    async def stopping(self):
        await self.ended.wait()


def quick_tree(changes):
    """The sample site, ten times as fast."""
    entries = tree(cells=CELLS)
    entries["poll"] = {
        "summary_period_ms": 100,
        "hot_period_ms": 20,
        "reply_timeout_ms": 50,
        "scan_period_ms": 1000,
    }
    entries["outputs"] = {"arm_delay_ms": 300}
    for levels in entries["limits"].values():
        for level in levels.values():
            level["delay_ms"] = max(40, level["delay_ms"] // 10) if level["delay_ms"] else 0
            level["clear_delay_ms"] //= 10
    for name in changes:
        entries[name] = changes[name]
    return entries
