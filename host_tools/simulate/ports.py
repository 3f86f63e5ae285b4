"""Listening ports of the simulator and how they fail."""

from __future__ import annotations

from host_tools.errors import UserError

HOST = "127.0.0.1"


class PortInUseError(UserError):
    """A port cannot be listened on; `port` tells which."""

    def __init__(self, port: int, option: str) -> None:
        """`option` is what a person can change to get another port."""
        super().__init__(
            f"cannot listen on {HOST}:{port}, in use or not permitted: choose another {option}"
        )
        self.port = port


def check_range(first: int, count: int, option: str) -> None:
    """Raise UserError unless `count` ports from `first` on exist."""
    if not 1 <= first <= 65536 - count:
        raise UserError(f"{option} {first}: {count} ports from there on must lie in 1..65535")
