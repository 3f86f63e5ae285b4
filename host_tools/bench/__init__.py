"""Measures the gateway against umodbus, against C and against what the wire allows."""
