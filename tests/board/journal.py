"""What the board has written into its flash window, as gatewayctl decode reads it."""

from __future__ import annotations

from pathlib import Path

from gateway.telemetry import records as layout
from host_tools.decode.journal_image import JournalImage, read_image
from host_tools.decode.records import Event
from host_tools.emulator.memory import Memory


def journal_of(memory: Memory, folder: Path) -> JournalImage:
    """The journal as it stands now."""
    path = folder / "flash.img"
    path.write_bytes(memory.window("data"))
    return read_image(path)


def events_of(memory: Memory, folder: Path, code: int) -> list[Event]:
    """Events of one code, oldest first."""
    records = journal_of(memory, folder).records
    return [each for each in records if isinstance(each, Event) and each.code == code]


def trips(memory: Memory, folder: Path) -> set[tuple[int, int]]:
    """(rack, rule) of every trip."""
    return {(each.rack, each.rule) for each in events_of(memory, folder, layout.TRIP)}
