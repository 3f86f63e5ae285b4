"""A run that went well, as evidence; tests spoil one thing each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.protection import rules
from gateway.rack.data import GOOD, STALE
from gateway.telemetry import records as layout
from host_tools.decode.journal_image import JournalImage
from host_tools.decode.records import Event, Record, Sample
from host_tools.run.delivered import Chunk, Delivered
from host_tools.run.evidence import Evidence, Fault, Life, RackEvidence
from host_tools.simulate.access_log import BlockRead
from host_tools.simulate.truth import Change

RACKS = 3
FAULTY = 1
CELLS = 10
TEMPS = 4
START_MS = 500  # of the gateway on the run's clock
END_MS = 20_500
RELAYS_ON_MS = 3_600
CROSSED_MS = 10_000
RELAY_MS = 11_800
UTC_ZERO_MS = 1_800_000_000_000
RULE = "cell_overvoltage"


def sample(boot: int, seq: int, rack: int, number: int, at_ms: int, quality: int = GOOD) -> Sample:
    """Summary `number` of a rack, acquired at uptime `at_ms`."""
    values = (rack, quality, 0, 255, at_ms, number, *[0] * 18)
    return Sample(boot, seq, at_ms + 10, UTC_ZERO_MS + at_ms, 1, *values)


def event(boot: int, seq: int, rack: int, code: int, rule: str, level: int, at_ms: int) -> Event:
    number = rules.NAMES.index(rule)
    return Event(boot, seq, at_ms, UTC_ZERO_MS + at_ms, 1, code, rack, number, level, 0, 0, "")


def samples(boot: int = 1, first: int = 1, seconds: int = 20) -> list[Record]:
    """Every rack every 500 ms."""
    found: list[Record] = []
    for slot in range(seconds * 2):
        for rack in range(RACKS):
            seq = first + len(found)
            found.append(sample(boot, seq, rack, slot + 1, slot * 500 + rack * 100))
    return found


def deliver(records: list[Record]) -> Delivered:
    """As if each had arrived once, in order, 20 ms after it was made.

    Samples as live ones, and as chunks of one record.
    """
    delivered = Delivered(RACKS)
    for record in records:
        if isinstance(record, Sample):
            delivered.samples.append(record)
            delivered.chunks[record.key] = Chunk(record.seq, set(range(RACKS)))
        else:
            delivered.records[record.key] = record
        delivered.arrivals.append((START_MS + record.uptime_ms + 20, record.utc_ms))
    return delivered


def change_samples(run: Evidence, wanted: Callable[[Sample], bool], **changes: int) -> None:
    """Put other values into the samples that are wanted."""
    run.delivered.samples = [
        replace(each, **changes) if wanted(each) else each for each in run.delivered.samples
    ]


def cell_reads(start_ms: int = START_MS, end_ms: int = END_MS) -> list[BlockRead]:
    """In two blocks, every 4 s."""
    reads = []
    for at_ms in range(start_ms + 1000, end_ms, 4000):
        reads += [(at_ms, 0, 6), (at_ms + 1000, 6, CELLS - 6)]
    return reads


def temp_reads(start_ms: int = START_MS, end_ms: int = END_MS) -> list[BlockRead]:
    """In one block, every 4 s."""
    return [(at_ms + 2000, 0, TEMPS) for at_ms in range(start_ms + 1000, end_ms, 4000)]


def good_run() -> Evidence:
    """Rack 1 of three trips by cell over-voltage, 800 ms after it was due."""
    records = samples()
    trip = event(1, len(records) + 1, FAULTY, layout.TRIP, RULE, 3, RELAY_MS - START_MS)
    racks = []
    for index in range(RACKS):
        changes = [Change(RELAYS_ON_MS, True)]
        if index == FAULTY:
            changes.append(Change(RELAY_MS, False))
        changes += [Change(END_MS + 20, False)] if index != FAULTY else []
        racks.append(
            RackEvidence(
                name=f"rack{index + 1:02d}",
                relay_changes=changes,
                contactor_changes=[replace(change, at_ms=change.at_ms + 1) for change in changes],
                cell_reads=cell_reads(),
                temp_reads=temp_reads(),
                open_commands_ms=[RELAY_MS + 5] if index == FAULTY else [],
            )
        )
    return Evidence(
        scenario="cell_overvoltage",
        site="made-up",
        interpreter="micropython",
        broker="mosquitto",
        cells_per_rack=CELLS,
        temps_per_rack=TEMPS,
        trip_delays_ms={RULE: 1000, "comm_loss": 0},
        comm_loss_ages_ms=(1100, 3000, 10_000),
        racks=racks,
        lives=[Life(START_MS, END_MS)],
        faults=[Fault(FAULTY, RULE, crossed_ms=CROSSED_MS)],
        delivered=deliver([*records, trip]),
        images=[JournalImage(cursors=((1, len(records) + 1),) * 3)],
        status={"version": "0.1.0", "interpreter": "micropython 1.25.0", "heap": {"used": 1}},
        heap_peak=2,
    )


def silent_run() -> Evidence:
    """Rack 1 gives its last answer at 8 s uptime and trips by comm loss 10 s later."""
    run = good_run()
    last_ms = 8_100
    silent_from = [
        sample(r.boot, r.seq, r.rack, 17, last_ms, STALE if r.acquired_ms > 9_200 else GOOD)
        if isinstance(r, Sample) and r.rack == FAULTY and r.acquired_ms > last_ms
        else r
        for r in samples()
    ]
    # a sample says when it was made by its uptime; of a silent rack that goes on
    silent_from = [
        replace(r, uptime_ms=old.uptime_ms) for r, old in zip(silent_from, samples(), strict=True)
    ]
    levels = [(layout.LEVEL_SET, 1, 1120), (layout.LEVEL_SET, 2, 3040), (layout.TRIP, 3, 10_030)]
    events: list[Record] = [
        event(1, len(silent_from) + 1 + number, FAULTY, code, "comm_loss", level, last_ms + age_ms)
        for number, (code, level, age_ms) in enumerate(levels)
    ]
    answer_ms = START_MS + last_ms
    run.delivered = deliver([*silent_from, *events])
    run.images = [JournalImage(cursors=((1, 999),) * 3)]
    run.faults = [
        Fault(
            FAULTY,
            "comm_loss",
            silent=True,
            last_answer_ms=answer_ms,
            crossed_ms=answer_ms + 10_000,
        )
    ]
    changes = [Change(RELAYS_ON_MS, True), Change(answer_ms + 10_040, False)]
    run.racks[FAULTY].relay_changes = run.racks[FAULTY].contactor_changes = changes
    run.racks[FAULTY].open_commands_ms = []
    run.racks[FAULTY].cell_reads = cell_reads(end_ms=answer_ms)
    run.racks[FAULTY].temp_reads = temp_reads(end_ms=answer_ms)
    return run


def restarted_run() -> Evidence:
    """The gateway is killed at 12.5 s and started at 13.5 s; rack 1 had tripped before."""
    run = good_run()
    killed_ms, again_ms = 12_500, 13_500
    run.lives = [Life(START_MS, killed_ms), Life(again_ms, END_MS)]
    first = samples(boot=1, seconds=12)
    trip = event(1, len(first) + 1, FAULTY, layout.TRIP, RULE, 3, RELAY_MS - START_MS)
    second = samples(boot=2, seconds=7)
    run.delivered = deliver([*first, trip, *second])
    run.images = [
        JournalImage([*first, trip], ((1, 10),) * 3),
        JournalImage(cursors=((2, len(second)),) * 3),
    ]
    for index, rack in enumerate(run.racks):
        rack.cell_reads = [*cell_reads(START_MS, killed_ms), *cell_reads(again_ms, END_MS)]
        rack.temp_reads = [*temp_reads(START_MS, killed_ms), *temp_reads(again_ms, END_MS)]
        if index != FAULTY:
            rack.relay_changes = [
                Change(RELAYS_ON_MS, True),
                Change(killed_ms + 3, False),
                Change(again_ms + 3000, True),
                Change(END_MS + 20, False),
            ]
    run.status["racks"] = [{"latched": index == FAULTY} for index in range(RACKS)]
    return run
