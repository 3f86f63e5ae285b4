"""The cable to a board: its serial port, MicroPython's prompt, and the gateway's console on it."""
