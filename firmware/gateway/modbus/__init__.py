"""Southbound wire: request PDUs, framing, deadlines and links that never block."""
