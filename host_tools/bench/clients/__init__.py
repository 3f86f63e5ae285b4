"""What is measured, as programs of their own; each runs on MicroPython and on CPython alike."""
