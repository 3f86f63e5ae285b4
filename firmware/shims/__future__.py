# Lets device code start with `from __future__ import annotations`; on MicroPython's path only.

annotations = True
