"""A site whose racks are closed, its proof tests, and a person at the console and the button."""

from enforcer_bench import ARM_MS, Site
from fake_hardware import MemoryStorage, QuietLog

from gateway.outputs.proof_records import ProofRecords
from gateway.outputs.proof_tests import ProofTests, items


class ProofBench:
    """`names` are the keys of all items, `notes` what was recorded, `log` what was said."""

    def __init__(self, storage=None, **changes):
        self.site = Site(**changes)
        self.clock = self.site.clock
        self.storage = storage or MemoryStorage()
        settings = self.site.settings
        self.names = [item.key for item in items(settings)]
        self.records = ProofRecords(self.storage, self.names, 180)
        self.log = QuietLog()
        self.notes = []
        self.tests = ProofTests(
            self.records,
            self.site.enforcer,
            settings,
            self.site.inputs,
            self.clock,
            lambda *note: self.notes.append(note),
            self.log,
        )
        self.close()

    def close(self):
        """Until the racks are closed."""
        self.site.run_ms(ARM_MS + 1000)

    @property
    def running(self):
        return self.tests.state()["running"]

    @property
    def last(self):
        return self.tests.state()["last"]
