"""Brings MicroPython's own image onto a board, with the vendor's tool."""
