"""Telemetry as it stands on flash and goes over the wire, made readable."""
