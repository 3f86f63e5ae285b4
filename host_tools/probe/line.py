"""A Modbus line from the laptop, serial or TCP, over pymodbus: one request, one outcome."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pymodbus import FramerType, ModbusException
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.pdu import ExceptionResponse

from host_tools.errors import UserError

MODBUS_PORT = 502
_NOBODY = (10, 11)  # gateway path unavailable, gateway target failed to respond
# what it logs is told in our own words
logging.getLogger("pymodbus").addHandler(logging.NullHandler())
FRAMES = {"8N1": ("N", 1), "8E1": ("E", 1), "8N2": ("N", 2)}


@dataclass(frozen=True)
class Where:
    """A serial port with its speed and frame, or a TCP address."""

    serial: str = ""
    baud: int = 9600
    frame: str = "8N1"
    host: str = ""
    port: int = MODBUS_PORT

    def __str__(self) -> str:
        if self.serial:
            return f"{self.serial} {self.baud} {self.frame}"
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Reply:
    """What came back: `values`, or the code of an exception; neither when nothing did."""

    values: tuple[int, ...] = ()
    code: int = 0

    @property
    def alive(self) -> bool:
        """Somebody is there; not when a gateway in between only says that nobody is."""
        return bool(self.values or self.code) and self.code not in _NOBODY


class Line:
    """A context: the line is open inside. Every request has `timeout_s` for its answer."""

    def __init__(self, where: Where, timeout_s: float) -> None:
        self.where = where
        if where.serial:
            parity, stop = FRAMES[where.frame]
            self._client: ModbusSerialClient | ModbusTcpClient = ModbusSerialClient(
                where.serial,
                framer=FramerType.RTU,
                baudrate=where.baud,
                parity=parity,
                stopbits=stop,
                timeout=timeout_s,
                retries=0,
            )
        else:
            self._client = ModbusTcpClient(
                where.host, port=where.port, timeout=timeout_s, retries=0
            )

    def __enter__(self) -> Line:
        self._open()
        return self

    def __exit__(self, *details: object) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def read(self, unit: int, function: int, address: int, count: int = 1) -> Reply:
        """Functions 1 to 4."""
        self._open()
        call = {
            1: self._client.read_coils,
            2: self._client.read_discrete_inputs,
            3: self._client.read_holding_registers,
            4: self._client.read_input_registers,
        }[function]
        try:
            answer = call(address, count=count, device_id=unit)
        except (ModbusException, OSError):  # nothing came, no frame, or the other side hung up
            self._client.close()  # type: ignore[no-untyped-call]
            return Reply()
        if isinstance(answer, ExceptionResponse):
            return Reply(code=answer.exception_code)
        if answer.isError():
            return Reply()
        values = answer.bits[:count] if function in (1, 2) else answer.registers
        return Reply(tuple(int(value) for value in values))

    def write(self, unit: int, function: int, address: int, value: int) -> Reply:
        """Functions 5, 6, 15 and 16, one register or coil; `values` is what was written."""
        self._open()
        client = self._client
        try:
            if function == 5:
                answer = client.write_coil(address, bool(value), device_id=unit)
            elif function == 15:
                answer = client.write_coils(address, [bool(value)], device_id=unit)
            elif function == 6:
                answer = client.write_register(address, value, device_id=unit)
            else:
                answer = client.write_registers(address, [value], device_id=unit)
        except (ModbusException, OSError):
            self._client.close()  # type: ignore[no-untyped-call]
            return Reply()
        if isinstance(answer, ExceptionResponse):
            return Reply(code=answer.exception_code)
        return Reply() if answer.isError() else Reply((value,))

    def _open(self) -> None:
        """pymodbus hangs up after a request without an answer."""
        if self._client.connected:
            return
        if not self._client.connect():
            hint = (
                "its name, and that nothing else has it open"
                if self.where.serial
                else ("address, cable and the rack's network settings")
            )
            raise UserError(f"{self.where}: cannot be opened: check {hint}")
