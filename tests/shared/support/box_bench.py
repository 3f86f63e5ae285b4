"""A site whose racks trip again and again while nothing is delivered and the flash is full."""

from array import array

from black_box_bench import TEMPS, BlackBoxSite, parts_of

from gateway.protection import rules
from gateway.telemetry import records
from gateway.telemetry.box_records import END, HEADER

CELLS = 200
STEP_MS = 500
SCAN_MS = 4000
HOUR_MS = 3600000


def _noise(seed):
    cells = array("H", [0] * CELLS)
    value = seed + 1
    for cell in range(CELLS):
        value = (value * 75 + 74) % 65537
        cells[cell] = 3000 + value % 600
    return cells


class FullSite(BlackBoxSite):
    """Two racks with noisy cells: a box has about 5 kB. Its protection stands still."""

    def __init__(self, storage=None, **flash):
        super().__init__(storage, cells=CELLS, aftermath_s=20, **flash)
        self._scans = [_noise(number) for number in range(8)]
        self._scan_number = 0
        self._temps = array("h", [200] * TEMPS)
        self._chunk = bytes(1000)
        self.pass_ms(60000)

    def pass_ms(self, duration_ms):
        """Scans come, samples fill the flash, boxes are written."""
        for elapsed_ms in range(0, duration_ms, STEP_MS):
            now = self.clock.advance(STEP_MS)
            if elapsed_ms % SCAN_MS == 0:
                self._scan()
            self.box.step(now)
            self.lanes.step(now)

    def _scan(self):
        for rack in (0, 1):
            self._scan_number += 1
            cells = self._scans[self._scan_number % len(self._scans)]
            self.rewind.take_cells(rack, cells, self._temps, self.clock.uptime_ms())
        fine = self.lanes.fine
        fine.begin_chunk()
        for _ in range(4):
            fine.append(records.SET, self._chunk)
        fine.end_chunk()

    def trip_box(self, rack=0):
        """The rack trips, and its box is over; whether it got one."""
        boxes = self.box.boxes
        trip = records.encode_event(records.TRIP, rack, rules.TEMP_RISE, 3, 120, 100, "temp_rise")
        self.lanes.events.append(records.EVENT, trip)
        self.box.trip(rack, rules.TEMP_RISE, 120)
        self.pass_ms(30000)
        return self.box.boxes > boxes

    def pass_hour(self):
        for _ in range(60):
            self.box.step(self.clock.advance(HOUR_MS // 60))
        for protection in self.protections:
            protection.data.hold_age(self.clock.ticks())
        self.pass_ms(8000)


def whole_boxes(lanes):
    """(boot, number) of each box of which every record can be read, header to end."""
    found = {}
    for part in parts_of(lanes):
        found.setdefault((part.boot, part.box), []).append((part.number, part.what))
    whole = []
    for key in sorted(found):
        numbers = [number for number, _ in found[key]]
        first, last = found[key][0][1], found[key][-1][1]
        if (first, last) == (HEADER, END) and numbers == list(range(len(numbers))):
            whole.append(key)
    return whole
