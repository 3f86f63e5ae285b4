"""What an image has frozen in to run the gateway: the firmware and the packages it needs.

A board's own manifest includes this one, with `thumb=True` for a Cortex-M3, M4 or M7: assembler
for these is left out of all other images. MicroPython reads it with this folder as the current
one.
"""

# ruff: noqa: F821 - words of MicroPython's manifests
import os

options.defaults(thumb=False)
_FOR_THE_READER = ("gateway/contracts.py",)  # types only; nothing imports it

freeze("shims")
for folder, _, names in sorted(os.walk("gateway")):
    for name in sorted(names):
        path = os.path.join(folder, name)
        if name.endswith("_thumb.py") and not options.thumb:
            continue
        if name.endswith(".py") and path not in _FOR_THE_READER:
            module(path)
package(
    "umodbus",
    files=("__init__.py", "version.py", "const.py", "functions.py"),  # all that is imported
    base_path="../build/upy/modbus",
)
module("umodbus/typing.py", base_path="stand_ins")
package("logging", base_path="../build/upy/logging")
