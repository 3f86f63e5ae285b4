# Frozen into the MicroPython unix port of this board. The firmware itself is read from its folder.
# ruff: noqa: F821 - `include` belongs to MicroPython's manifest language
include("$(MPY_DIR)/extmod/asyncio")
