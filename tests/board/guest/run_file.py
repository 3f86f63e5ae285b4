# Runs on the board as its main.py, with /run.json beside it: one test file, as
# tests/upy_unittest/run_file.py does on the unix port. Ends the emulator.

import gc
import json
import sys

import machine

with open("/run.json") as file:
    _folder, _module = json.load(file)
sys.path[:0] = [_folder, "/tests/upy_unittest", "/tests/shared/support"]
gc.threshold(256 * 1024)
try:
    import unittest

    passed = unittest.run_module(__import__(_module)).succeeded()
    print("RESULT", "passed" if passed else "failed")
except BaseException as error:  # noqa: BLE001 - the emulator must end
    sys.print_exception(error)
    print("RESULT", "failed")
machine.reset()  # which ends QEMU on this port
