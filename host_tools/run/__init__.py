"""Runs a whole simulated site: racks, gateway, broker, observer."""
