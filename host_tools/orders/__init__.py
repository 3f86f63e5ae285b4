"""Signed orders to a gateway, over its broker."""
