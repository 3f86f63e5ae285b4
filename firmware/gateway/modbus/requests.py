"""The requests of one link: a few frames for all its units, as only one is under way at a time."""

from __future__ import annotations

from gateway.modbus.pdu import (
    WRITE_MULTIPLE_REGISTERS,
    WRITE_SINGLE_COIL,
    WRITE_SINGLE_REGISTER,
    read_request,
    write_coil,
    write_register,
    write_registers,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.modbus.pdu import Request
    from gateway.modbus.reply_time import ReplyTime


class Requests:
    """Each is good until the next call, so to be called only while nothing is under way.

    Allocates for a function, and for a number of values, that it was not called with before.
    ValueError for what the protocol cannot carry.
    """

    def __init__(self, framing: int) -> None:
        self._framing = framing
        self._made: dict[int, Request] = {}

    def read(
        self, unit: int, function: int, address: int, count: int, reply_time: ReplyTime
    ) -> Request:
        """Functions 1 to 4."""
        request = self._made.get(function)
        if request is None:
            request = read_request(self._framing, unit, function, address, count, reply_time)
            self._made[function] = request
        request.aim(unit, address, count, reply_time)
        return request

    def write(
        self, unit: int, function: int, address: int, count: int, reply_time: ReplyTime
    ) -> Request:
        """Functions 6, of one register, and 16, of `count`; their values are still to be set."""
        if function != WRITE_MULTIPLE_REGISTERS and (
            function != WRITE_SINGLE_REGISTER or count != 1
        ):
            raise ValueError("function %d does not write %d registers" % (function, count))
        key = function << 8 | count
        request = self._made.get(key)
        if request is None:
            if function == WRITE_MULTIPLE_REGISTERS:
                values = [0] * count
                request = write_registers(self._framing, unit, address, values, reply_time)
            else:
                request = write_register(self._framing, unit, address, 0, reply_time)
            self._made[key] = request
        request.aim_write(unit, address, reply_time)
        return request

    def coil(self, unit: int, address: int, on: bool, reply_time: ReplyTime) -> Request:
        """Function 5."""
        key = WRITE_SINGLE_COIL << 8 | on
        request = self._made.get(key)
        if request is None:
            request = write_coil(self._framing, unit, address, on, reply_time)
            self._made[key] = request
        request.aim_write(unit, address, reply_time)
        return request
