"""What has to be done to a board, worked out from the hashes of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from host_tools.deploy.program import DeviceFile


@dataclass
class Plan:
    """`send` comes over the cable, `copy` from the other slot, `remove` is in the way.

    `slot` is the folder that all of it goes to; "" when the program there is the wanted one.
    `config` lies beside the configuration in use, under a name of its own.
    """

    slot: str
    send: list[DeviceFile] = field(default_factory=list)
    copy: list[DeviceFile] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    config: list[DeviceFile] = field(default_factory=list)
    root: list[DeviceFile] = field(default_factory=list)

    @property
    def bytes_to_send(self) -> int:
        """Over the cable."""
        return sum(len(file.content) for file in (*self.send, *self.config, *self.root))

    @property
    def is_empty(self) -> bool:
        """Whether the board has everything already."""
        return not (self.slot or self.config or self.root)

    def line(self) -> str:
        """For a person."""
        if self.is_empty:
            return "program and configuration are on the board already"
        parts = [f"{len(self.send)} modules to send"] if self.slot else ["program unchanged"]
        if self.copy:
            parts.append(f"{len(self.copy)} to copy on the board")
        parts.append("configuration to send" if self.config else "configuration unchanged")
        if self.root:
            parts.append(", ".join(file.path for file in self.root))
        return f"{', '.join(parts)}: {self.bytes_to_send / 1000:.1f} kB"


def differing(wanted: Sequence[DeviceFile], there: Mapping[str, str]) -> list[DeviceFile]:
    """The files that are missing there, or have another hash."""
    return [file for file in wanted if there.get(file.path) != file.digest]


def make(
    wanted: Sequence[DeviceFile],
    active: str,
    slots: Mapping[str, Mapping[str, str]],
    config: list[DeviceFile],
    root: list[DeviceFile],
) -> Plan:
    """`active` is the slot that starts now, "" for none; `slots` are the hashes in each."""
    if active in slots and not differing(wanted, slots[active]):
        return Plan("", config=config, root=root)
    slot = next(name for name in slots if name != active)
    plan = Plan(slot, config=config, root=root)
    elsewhere = slots.get(active, {})
    for file in differing(wanted, slots[slot]):
        same = elsewhere.get(file.path) == file.digest
        (plan.copy if same else plan.send).append(file)
    names = {file.path for file in wanted}
    plan.remove = [path for path in slots[slot] if path not in names]
    return plan
