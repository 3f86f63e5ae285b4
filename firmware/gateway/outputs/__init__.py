"""Carries permits to relays, contactors and current limits."""
