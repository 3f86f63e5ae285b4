"""Telemetry upstream: an MQTT 3.1.1 client and the publisher that empties the journal."""
