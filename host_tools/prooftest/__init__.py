"""Proof tests of relays and inputs, ordered at a gateway's console."""
