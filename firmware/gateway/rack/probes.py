"""Short requests that show whether a unit is back, and owes no older answer (note 0009)."""

from __future__ import annotations

from micropython import const

from gateway.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.rack.fields_bind import Block

_PROBE_BLOCKS = const(4)  # a probe that is refused is tried on the next one


class Probes:
    """Reads of two lengths that no other answer of a unit has, in one of a few blocks.

    So many registers, `counts`, are asked for by probes and by no other request: an answer to a
    probe is told apart by its length. A few `blocks`, as the registers at the beginning of one may
    not exist in a device. ConfigError when `blocks`, all that is ever read of a rack, leave no
    length free.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        taken = [block.count for block in blocks]
        free = [count for count in range(2, max(taken)) if count not in taken]
        fitting = [block for block in blocks if len(free) > 1 and block.count > free[1]]
        if not fitting:
            raise ConfigError("register map: blocks too short to probe a unit with")
        self.counts = (free[0], free[1])
        self.blocks = tuple(fitting[:_PROBE_BLOCKS])
