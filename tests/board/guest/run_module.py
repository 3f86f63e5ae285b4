# Runs on the board as its main.py, with /module.json beside it: one test module, as
# tests/upy_unittest/run_file.py runs it on the unix port. Then the emulator ends.

import json
import os
import random
import sys

import machine


class Os:
    # What the modules ask of `os`, and this port does not have.
    @staticmethod
    def urandom(count):
        return bytes([random.getrandbits(8) for _ in range(count)])

    @staticmethod
    def getenv(name):
        return _environment.get(name)


for _name in dir(os):
    setattr(Os, _name, getattr(os, _name))
sys.modules["os"] = Os
with open("/module.json") as file:
    _folder, _module, _environment = json.load(file)
sys.path[:0] = [_folder, "/tests/upy_unittest", "/tests/shared/support", "/boards/parts"]
_passed = False
try:
    import unittest

    _passed = unittest.run_module(__import__(_module)).succeeded()
except BaseException as error:  # noqa: BLE001 - the emulator must end
    sys.print_exception(error)
print("RESULT", "passed" if _passed else "failed")
machine.reset()  # which ends QEMU on this port
