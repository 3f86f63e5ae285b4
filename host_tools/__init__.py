"""Laptop side of the gateway: one command, `gatewayctl`, one folder per job."""
