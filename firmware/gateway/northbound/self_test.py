"""What the board itself can tell of its parts, asked over the console; it moves no output.

Whether buses, racks and broker answer stands in the status; a relay is tried by a proof test.
"""

from __future__ import annotations

from gateway.northbound import program_slot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.contracts import Board

_FILE = "selftest"
_BYTES = 64


class SelfTest:
    """Works in safe mode too. Not for the protecting loop: it allocates and waits for flash."""

    def __init__(self, board: Board, config_name: str) -> None:
        self._board = board
        self._config_name = config_name

    def report(self) -> dict[str, object]:
        """Plain data; an empty `error` is a part that works."""
        board = self._board
        used, free = board.heap()
        return {
            "unique_id": board.unique_id,
            "interpreter": board.interpreter,
            "board_problems": list(getattr(board, "problems", ())),
            "slot": program_slot.running(),
            "config": self._config_name,
            "kept": program_slot.kept(self._config_name),
            "flash": self._flash(),
            "rtc": self._rtc(),
            "relays": board.relays.count,
            "inputs": [int(board.inputs.get(number)) for number in range(board.inputs.count)],
            "heap": {"used": used, "free": free},
        }

    def _flash(self) -> dict[str, object]:
        """Write a small file to the data flash, read it back, remove it."""
        random = self._board.random
        written = bytes([random.getrandbits(8) for _ in range(_BYTES)])
        try:
            storage = self._board.storage("data")
            with storage.open(_FILE, "wb") as file:
                file.write(written)
            with storage.open(_FILE, "rb") as file:
                same = file.read() == written
            storage.remove(_FILE)
        except OSError as error:
            return {"formatted": False, "error": str(error)}
        return {
            "formatted": storage.formatted,
            "error": "" if same else "what was read is not what was written",
        }

    def _rtc(self) -> dict[str, object]:
        """`utc_ms` is 0 for a clock that was never set, or that is not there."""
        rtc = self._board.rtc
        if rtc is None:
            return {"fitted": False, "utc_ms": 0, "error": ""}
        try:
            return {"fitted": True, "utc_ms": rtc.read(), "error": ""}
        except OSError as error:
            return {"fitted": True, "utc_ms": 0, "error": str(error)}
