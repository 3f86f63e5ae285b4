"""A site with its racks on the wire that takes signed commands, as the application wires it."""

import json

from command_bench import GATEWAY, KEY, TOPIC, read_reply, ready_client, work_off
from enforcer_bench import ARM_MS, Site
from fake_hardware import MemoryStorage, QuietLog

from gateway.northbound.orders import Orders
from gateway.outputs.proof_records import ProofRecords
from gateway.outputs.proof_tests import ProofTests, items
from gateway.protection.current_caps import CurrentCaps
from gateway.uplink.command_sequence import CommandSequence
from gateway.uplink.commands import Commands
from gateway.uplink.signed_message import seal


class OrderBench:
    """`order` signs one command and gives its answer; `notes` are (code, rack, text)."""

    def __init__(self, storage=None, **changes):
        self.storage = storage or MemoryStorage()
        self.site = Site(**changes)
        site, settings = self.site, self.site.settings
        self.clock = site.clock
        self.notes = []
        self.events = []
        self.lines = ["line %d" % number for number in range(40)]
        self.caps = CurrentCaps(
            self.storage,
            [rack.name for rack in settings.racks],
            [protection.decision for protection in site.protections],
        )
        self.caps.load()
        records = ProofRecords(self.storage, [item.key for item in items(settings)], 180)
        self.tests = ProofTests(
            records,
            site.enforcer,
            settings,
            site.inputs,
            self.clock,
            lambda *note: None,
            QuietLog(),
        )
        orders = Orders(
            site.enforcer,
            self.caps,
            self.tests,
            self.status,
            lambda: {"log": self.lines},
            settings,
            self.clock,
            lambda *note: self.notes.append(note),
        )
        self.table = orders.table()
        self.commands = Commands(
            ready_client(self.clock),
            KEY,
            CommandSequence(self.storage),
            self.table,
            self.clock,
            self.events.append,
            QuietLog(),
            site="plant-7",
            gateway=GATEWAY,
        )

    def status(self):
        """As the console's, with what is looked at here."""
        brief = ("mode", "reason", "version", "boot", "uptime_ms", "armed", "escalated", "clock",
                 "interlocks", "telemetry", "uplink")  # fmt: skip
        rack = ("quality", "level", "rule", "latched", "relay", "charge_limit_da", "charge_by",
                "discharge_limit_da", "discharge_by", "only_here")  # fmt: skip
        answer = {name: name for name in brief}
        answer["heap"] = "for the console only"
        answer["racks"] = [
            dict([(name, name) for name in rack] + [("name", each.name)])
            for each in self.site.settings.racks
        ]
        return answer

    def arm(self):
        """Both racks closed, all of the current granted."""
        self.site.run_ms(ARM_MS + 170000, 100)
        return self

    def order(self, command, **args):
        tree = {
            "gateway": GATEWAY,
            "seq": self.commands.status()["last"] + 1,
            "until": self.clock.utc_ms() // 1000 + 60,
            "command": command,
            "args": args,
        }
        self.commands.take(TOPIC, seal(KEY, json.dumps(tree).encode()), False)
        work_off(self.commands)
        (reply,) = self.commands._replies
        self.commands._replies = []
        return read_reply(reply)["answer"]

    def granted(self, rack):
        decision = self.site.protections[rack].decision
        return decision.charge_da, decision.discharge_da
