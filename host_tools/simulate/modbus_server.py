"""One rack behind a Modbus TCP server: unit 1, functions 3, 6 and 16."""

from __future__ import annotations

import logging
import struct

from pymodbus.constants import ExcCodes
from pymodbus.datastore import ModbusServerContext
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.rack.maps import generic_416s as register_map
from host_tools.simulate.access_log import AccessLog
from host_tools.simulate.ports import HOST, PortInUseError
from host_tools.simulate.rack_unit import CONTROL, RackUnit

UNIT = 1
FUNCTIONS = (3, 6, 16)

# pymodbus warns on its own logger about what reaches the caller as an exception anyway; a logger
# without any handler would print that to the terminal.
_QUIET = logging.NullHandler()


class RackServer:
    """Serves `rack` on `port` from `start` to `stop`; `access` notes what the master does.

    pymodbus knows which addresses exist (its SimDevice answers exception 2 for the rest) and asks
    `_answer` before each access, which fills in the rack's registers of this very moment. asyncio
    sets TCP_NODELAY on every connection by itself.
    """

    def __init__(self, rack: RackUnit, port: int, access: AccessLog) -> None:
        self.rack = rack
        self.port = port
        self.access = access
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen; raises PortInUseError."""
        logging.getLogger("pymodbus").addHandler(_QUIET)
        server = ModbusTcpServer(
            SimDevice(UNIT, simdata=self._layout(), action=self._answer),
            address=(HOST, self.port),
            custom_pdu=[_ReadRequest],
            trace_packet=self._mute,
        )
        try:
            await server.serve_forever(background=True)
        except RuntimeError:  # all that pymodbus tells of an OSError while listening
            raise PortInUseError(self.port, "base port") from None
        self._server = server

    async def stop(self) -> None:
        """Close the port and every connection; nothing happens when not started."""
        if self._server:
            await self._server.shutdown()  # type: ignore[no-untyped-call]
            self._server = None

    def _layout(self) -> list[SimData]:
        def block(address: int, count: int, readonly: bool = True) -> SimData:
            return SimData(address, count, datatype=DataType.REGISTERS, readonly=readonly)

        return [
            block(*register_map.SUMMARY),
            block(min(CONTROL), len(CONTROL), readonly=False),
            block(*register_map.IDENTITY),
            block(register_map.CELLS_ADDRESS, self.rack.values["cell_count"]),
            block(register_map.TEMPS_ADDRESS, self.rack.values["temp_count"]),
        ]

    async def _answer(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if self.rack.silent:
            return ExcCodes.DEVICE_FAILURE  # never sent, see _mute; a dead BMS takes no writes
        if function_code not in FUNCTIONS:
            return ExcCodes.ILLEGAL_FUNCTION
        if set_values is not None:
            values = [int(value) for value in set_values]
            if not self.rack.write(address, values):
                return ExcCodes.ILLEGAL_VALUE
            self.access.written(address, values)
            return None
        offset = address - start_address
        current_registers[offset : offset + count] = self.rack.registers[address : address + count]
        self.access.read(address, count)
        return None

    def _mute(self, sending: bool, data: bytes) -> bytes:
        return b"" if sending and self.rack.silent else data


class _ReadRequest(ReadHoldingRegistersRequest):
    """Refuses a count outside 1..125 with exception 3; pymodbus itself answers function 0."""

    def decode(self, data: bytes) -> None:
        self.address, self.count = struct.unpack(">HH", data[:4])

    async def datastore_update(self, context: ModbusServerContext, device_id: int) -> ModbusPDU:
        if not 1 <= self.count <= self.MAX_COUNT:
            return ExceptionResponse(self.function_code, ExcCodes.ILLEGAL_VALUE)
        return await super().datastore_update(context, device_id)
