"""Logging through micropython-lib's `logging` (CPython: the standard one), kept in a bounded ring.

The 0.5.2 package of micropython-lib passes nothing from child loggers to the root, so each logger
gets the handler itself. Times are uptime: the wall clock may not be set.
"""

from __future__ import annotations

import logging
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.clock import Clock

_RING_LINES = 40

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class LogRing(logging.Handler):
    """Writes each line to the console and keeps the last `capacity` of them.

    A console that fails (cable pulled) costs nothing but a count in `write_errors`.
    """

    def __init__(self, clock: Clock, console: Any = None, capacity: int = _RING_LINES) -> None:
        super().__init__()
        self._clock = clock
        self._console = console if console is not None else sys.stdout
        self._capacity = capacity
        self.lines: list[str] = []
        self.write_errors = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Format and keep one record; called by `logging` only."""
        text = record.msg % record.args if record.args else record.msg
        uptime_ms = self._clock.uptime_ms()
        line = "%7d.%03d %-7s %s: %s" % (
            uptime_ms // 1000,
            uptime_ms % 1000,
            record.levelname,
            record.name,
            text,
        )
        if len(self.lines) >= self._capacity:
            self.lines.pop(0)
        self.lines.append(line)
        try:
            self._console.write(line + "\n")
        except (OSError, ValueError):  # closed, or unable to print a character
            self.write_errors += 1


class Logs:
    """Hands out named loggers that share one ring; made once by the composition root."""

    def __init__(self, clock: Clock, level: str = "info", console: Any = None) -> None:
        self.ring = LogRing(clock, console)
        self._level = _LEVELS[level]
        self._loggers: list[logging.Logger] = []

    def set_level(self, level: str) -> None:
        """Lowest level that is logged from now on: "debug", "info" or "warning"."""
        self._level = _LEVELS[level]
        for logger in self._loggers:
            logger.setLevel(self._level)

    def get(self, name: str) -> logging.Logger:
        """The logger called `name`; info, warning and error take %-style arguments."""
        logger = logging.getLogger("gateway_" + name)
        logger.name = name
        logger.setLevel(self._level)
        logger.propagate = False
        logger.handlers = []
        logger.addHandler(self.ring)
        self._loggers.append(logger)
        return logger
