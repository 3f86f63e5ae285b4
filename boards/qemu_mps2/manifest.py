"""Frozen into the image of the emulated board: asyncio, the gateway and the board's modules."""

# ruff: noqa: F821 - words of MicroPython's manifests
include("$(MPY_DIR)/extmod/asyncio")
include("../../firmware/manifest.py", thumb=True)
freeze("../parts", ("bus_wait.py", "serial_port.py", "volume_storage.py"))
freeze("frozen")
freeze(".", ("board.py", "exchange.py", "field.py", "flash_window.py"))
