"""From a rig that has stopped to the evidence for its verdict."""

from __future__ import annotations

from gateway.config import LEVELS
from gateway.rack.maps import generic_416s as register_map
from host_tools.decode.journal_image import JournalImage, read_image
from host_tools.errors import UserError
from host_tools.run import device_files
from host_tools.run.driver import Driver
from host_tools.run.evidence import Evidence, RackEvidence
from host_tools.run.rig import Rig
from host_tools.run.watch import Watch

OPEN = (0,)  # written to the contactor command register


def collect(rig: Rig, driver: Driver, watch: Watch, interrupted: bool) -> Evidence:
    """Gather everything; reads the flash images."""
    plan = rig.plan
    limits = plan.config.limits
    images, image_errors = _images(rig)
    return Evidence(
        scenario=plan.scenario,
        site=plan.site,
        interpreter=plan.interpreter.name,
        broker=rig.broker.kind if rig.broker else "{}:{}".format(*plan.broker_address),
        cells_per_rack=plan.product.cells_per_rack,
        temps_per_rack=plan.product.temps_per_rack,
        trip_delays_ms={rule: limits[rule][len(LEVELS) - 1].delay_ms for rule in limits},
        comm_loss_ages_ms=tuple(limit.set_point for limit in limits["comm_loss"]),
        racks=[_rack(rig, index) for index in range(plan.product.racks)],
        period_ms=plan.config.integer("poll.summary_period_ms"),
        lives=rig.lives,
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
        block_reads=list(access.block_reads),
        open_commands_ms=[
            at_ms
            for at_ms, address, values in access.writes
            if address == register_map.CONTACTOR_COMMAND and values == OPEN
        ],
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
