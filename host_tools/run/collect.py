"""From a rig that has stopped to the evidence for its verdict."""

from __future__ import annotations

from collections.abc import Iterable

from host_tools.decode.journal_image import JournalImage, read_image
from host_tools.errors import UserError
from host_tools.run import device_files, scenario_file
from host_tools.run.driver import Driver
from host_tools.run.evidence import BusEvidence, Evidence, Expected, RackEvidence, Reached
from host_tools.run.rig import Rig
from host_tools.run.scenario import rack_indices
from host_tools.run.watch import Watch
from host_tools.simulate.serial_bus import SerialBus


def collect(rig: Rig, driver: Driver, watch: Watch, interrupted: bool) -> Evidence:
    """Gather everything; reads the flash images."""
    plan = rig.plan
    limits = plan.config.limits
    images, image_errors = _images(rig)
    return Evidence(
        scenario=plan.scenario.name,
        site=plan.site,
        interpreter=plan.interpreter.name,
        broker=rig.broker.kind if rig.broker else "{}:{}".format(*plan.broker_address),
        cells_per_rack=plan.product.cells_per_rack,
        temps_per_rack=plan.product.temps_per_rack,
        trip_delays_ms={
            rule: levels[-1].delay_ms for rule, levels in limits.items() if levels[-1]
        },
        comm_loss_ages_ms=tuple(limit.set_point for limit in limits["comm_loss"] if limit),
        site_relays=dict(rig.site.truth.site_relay_changes),
        opening_ms=sum(
            plan.config.integer(name) for name in ("outputs.zero_wait_ms", "outputs.check_ms")
        ),
        racks=[_rack(rig, index) for index in range(plan.product.racks)],
        period_ms=plan.config.integer("poll.summary_period_ms"),
        scan_period_ms=plan.config.integer("poll.scan_period_ms"),
        temp_period_ms=plan.config.integer("poll.temp_period_ms"),
        expected=_expected(rig, driver),
        struck=driver.struck,
        welded=driver.welded,
        happened={kind: rig.site.responder.happened[kind] for kind in sorted(driver.wire_kinds)},
        buses=[_bus(bus) for bus in rig.site.buses],
        lives=rig.lives,
        let_go=list(rig.field.let_go),
        faults=driver.faults(),
        outage=driver.outage,
        delivered=rig.observer.delivered,
        images=images,
        status=watch.status,
        heap_peak=watch.heap_peak,
        late_ticks=rig.site.late_ticks,
        interrupted=interrupted,
        errors=[*rig.errors, *image_errors, *_field_errors(rig)],
    )


def _rack(rig: Rig, index: int) -> RackEvidence:
    access = rig.site.access[index]
    return RackEvidence(
        name=rig.plan.config.racks[index].name,
        relay_changes=rig.site.truth.relay_changes[index],
        contactor_changes=rig.site.truth.contactor_changes[index],
        cell_reads=list(access.cell_reads),
        temp_reads=list(access.temp_reads),
        open_commands_ms=list(access.open_commands),
        limit_changes=list(access.limit_changes),
        served=access.served if rig.site.racks[index].registers.exact else None,
    )


def _bus(bus: SerialBus) -> BusEvidence:
    timing = bus.wire.timing
    return BusEvidence(
        name=bus.trunk.name,
        baud=bus.trunk.baud,
        busy_ms=timing.busy_ns // 1_000_000,
        requests=bus.requests,
        collisions=timing.collisions,
        short_silences=timing.short_silences,
        bad_frames=bus.bad_frames,
        late=bus.late + bus.wire.late,
    )


def _expected(rig: Rig, driver: Driver) -> Expected:
    wanted, config = rig.plan.scenario.expect, rig.plan.config

    def racks(reached: Iterable[scenario_file.Reached]) -> list[Reached]:
        return [
            Reached(rack, entry.rule, entry.level)
            for entry in reached
            for rack in rack_indices(entry.rack, config)
        ]

    return Expected(
        trips=racks(wanted.trips),
        levels=[*racks(wanted.levels), *driver.levels],
        summary_gap_ms=wanted.summary_gap_ms,
        faulty_gap_ms=wanted.faulty_gap_ms,
        cell_refresh_s=wanted.cell_refresh_s,
        lost_samples=wanted.lost_samples,
        never_read=rack_indices(wanted.never_read, config),
        relays=[(relay.name, relay.on) for relay in wanted.relays],
    )


def _images(rig: Rig) -> tuple[list[JournalImage], list[str]]:
    names = [*(f"flash-{number}.img" for number in range(rig.images)), device_files.FLASH]
    try:
        return [read_image(rig.plan.folder / name) for name in names], []
    except UserError as error:
        return [], [str(error)]


def _field_errors(rig: Rig) -> list[str]:
    counters = {
        "lines without sense on the wiring": rig.field.garbage,
        "second connections to the wiring": rig.field.refused,
        "reads forgotten by the racks' log": sum(log.forgotten for log in rig.site.access),
    }
    return [f"{number} {what}" for what, number in counters.items() if number]
