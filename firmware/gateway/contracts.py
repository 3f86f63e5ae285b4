"""What the gateway asks of a board, for the type checker and the reader; never loaded on a device.

A board is everything in `boards/<name>/board.py`; nothing outside `boards/` touches hardware.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from gateway.clock import Clock


class File(Protocol):
    """A binary file; methods raise OSError."""

    def read(self, size: int = -1, /) -> bytes:
        """Bytes from the current position."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` as far as the file goes; bytes read."""

    def write(self, data: bytes | bytearray, /) -> int:
        """Append or write at the current position."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to `offset`, with `whence` 2 from the end; the place in the file."""

    def flush(self) -> None:
        """Return when everything written is on flash."""

    def close(self) -> None:
        """Flush and close."""

    def __enter__(self) -> File:
        """Use as a context."""

    def __exit__(self, *details: object) -> None:
        """Close."""


class Storage(Protocol):
    """A flat folder that survives power cuts; methods raise OSError.

    `formatted`: the volume was unreadable at this start and is empty now, so what it held is lost.
    Where flash blocks are not of 4096 bytes, an attribute `block_bytes` says so. Where the folder
    knows the sizes of its files, `sizes()` gives (name, bytes) of all of them.
    """

    formatted: bool

    def open(self, name: str, mode: str, /) -> File:
        """Open in mode "rb" or "wb" (new or emptied)."""

    def names(self) -> list[str]:
        """Names of all files."""

    def remove(self, name: str, /) -> None:
        """Delete a file."""

    def rename(self, old: str, new: str, /) -> None:
        """Rename; replaces `new` in one step, whatever happens to the power."""


class Stream(Protocol):
    """A non-blocking connection to one device of the bus; methods raise OSError."""

    def connected(self) -> bool:
        """True once it can be used."""

    def readinto(self, buffer: bytearray | memoryview, count: int = ..., /) -> int | None:
        """Bytes read; None = nothing yet, 0 = closed by the other side. Does not allocate."""

    def write(self, data: bytearray, /) -> int | None:
        """Bytes taken; None = none. Does not allocate."""

    def close(self) -> None:
        """Close."""


class Network(Protocol):
    """TCP towards the bus."""

    def connect(self, host: str, port: int) -> Stream:
        """Begin to connect, return at once."""


class Datagram(Protocol):
    """UDP to and from one address; nothing waits, methods raise OSError."""

    def send(self, packet: bytes | bytearray, /) -> int:
        """Send one packet; bytes taken."""

    def readinto(self, buffer: bytearray, /) -> int | None:
        """The next packet from that address, cut to the buffer; None = none there."""

    def close(self) -> None:
        """Close."""


class BoardRtc(Protocol):
    """The board's own clock, kept while the power is off; methods raise OSError."""

    def read(self) -> int:
        """Unix time in ms; 0 = it was never set, or its battery is empty."""

    def write(self, utc_ms: int, /) -> None:
        """Set it. What checks certificates takes the date from the same clock."""


class SerialPort(Protocol):
    """An RS-485 line; nothing waits or allocates, methods raise OSError when the port is gone."""

    baud: int
    char_bits: int  # with start, parity and stop bits

    def write(self, frame: bytearray, /) -> int:
        """Begin to send, direction to "send"; bytes taken."""

    def sending(self) -> bool:
        """False once the last stop bit is out; turns the direction back then, so ask often."""

    def readinto(self, buffer: bytearray | memoryview, count: int = ..., /) -> int | None:
        """Bytes read, at most `count`; None = nothing there."""


class Relays(Protocol):
    """Outputs; all open (0) after reset. `set` is cheap, does not allocate, does not raise.

    Where the driver reads its relays back, `fault()` says what was wrong with them the last time,
    an integer as in `gateway.outputs.relay_faults`; it does not allocate either. Such a driver has
    16 relays at most.
    """

    count: int

    def set(self, number: int, energised: int, /) -> None:
        """Energise (1) or drop (0) one relay."""


class Inputs(Protocol):
    """Digital inputs."""

    count: int

    def get(self, number: int, /) -> bool:
        """Level of one input."""


class Watchdog(Protocol):
    """Resets the board, which opens every relay, when it is not fed in time."""

    def feed(self) -> None:
        """Put the next bite off by the timeout."""


class DeadMan(Protocol):
    """Holds the supply of all relays only while it is toggled; silent for 0.6 to 1 s it lets go.

    Unlike the watchdog it needs no reset to act, and no code that still runs. Not sooner than
    0.6 s, tolerances included: the protecting loop begins anew, as at a start, when it stood still
    for 0.5 s; after less it would close again what had dropped.
    """

    def toggle(self) -> None:
        """The protecting loop has just come round. Cheap, does not allocate, does not raise."""


class Random(Protocol):
    """Random numbers, seeded differently on each device."""

    def getrandbits(self, count: int, /) -> int:
        """A number of `count` bits."""


class Log(Protocol):
    """A named logger; %-style arguments."""

    def info(self, message: str, /, *args: object) -> None:
        """Worth knowing."""

    def warning(self, message: str, /, *args: object) -> None:
        """Worth a look."""

    def error(self, message: str, /, *args: object) -> None:
        """Worth a visit."""


class Board(Protocol):
    """Everything the gateway may use of its hardware."""

    clock: Clock
    random: Random
    interpreter: str  # name and version of the Python that runs
    unique_id: str
    console_port: int
    capabilities: tuple[str, ...]  # of: tcp, serial; simulated = no hardware behind its relays
    relays: Relays
    inputs: Inputs
    dead_man: DeadMan
    rtc: BoardRtc | None  # None: the board has none
    # asyncio streams without Nagle's delay, of (host, port, tls=None, server_name=""); with `tls`,
    # an SSLContext of the module `tls`, encrypted. It takes the date from the real-time clock.
    open_stream: Callable[..., Awaitable[tuple[Any, Any]]]
    listen: Callable[[Callable[[Any, Any], Coroutine[Any, Any, None]], int], Awaitable[Any]]

    def network(self) -> Network:
        """TCP towards the bus."""

    def datagram(self, host: str, port: int) -> Datagram:
        """UDP to and from this address."""

    def uart(self, number: int, baud: int, parity: int | None, stop: int) -> SerialPort:
        """A serial line with 8 data bits; parity None, 0 (even) or 1. OSError: there is none."""

    def wait_for_bus(self, timeout_us: int) -> None:
        """Sleep until something came in from the bus or the time is over; allocates nothing.

        Everything else stands still meanwhile, so ask for a few milliseconds at most.
        """

    def storage(self, role: str) -> Storage:
        """Files of a role: "config" or "data"."""

    def watchdog(self, timeout_ms: int) -> Watchdog:
        """A watchdog, armed by its first `feed`."""

    def heap(self) -> tuple[int, int]:
        """(used, free) bytes."""

    async def stopping(self) -> None:
        """Returns when the gateway shall end; on a field board never."""
