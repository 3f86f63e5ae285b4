"""Frozen into the MicroPython unix port of this board; the firmware is read from its folder."""

include("$(MPY_DIR)/extmod/asyncio")  # noqa: F821 - a word of MicroPython's manifests
