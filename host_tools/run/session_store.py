"""Durable MQTT sessions on disk: who subscribed to what, and what they have not acknowledged.

Each call is done when it returns, in the sense that the process may be killed afterwards; a power
cut may undo it (nothing is synced), which is not what a broker in a simulation is for.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from paho.mqtt.client import topic_matches_sub

_SCHEMA = """
CREATE TABLE IF NOT EXISTS subscription (
    client TEXT, filter TEXT, qos INTEGER, PRIMARY KEY (client, filter));
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY, client TEXT, topic TEXT, payload BLOB);
CREATE INDEX IF NOT EXISTS by_content ON message (client, topic, payload);
"""


class SessionStore:
    """Subscriptions and undelivered QoS 1 messages of clients with durable sessions."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def subscriptions(self) -> list[tuple[str, str, int]]:
        """(client, topic filter, QoS) of all."""
        return self._database.execute("SELECT client, filter, qos FROM subscription").fetchall()

    def subscribe(self, client: str, topic_filter: str, qos: int) -> None:
        """`client` has a durable subscription from now on."""
        self._database.execute(
            "INSERT OR REPLACE INTO subscription VALUES (?, ?, ?)", (client, topic_filter, qos)
        )

    def remove(self, client: str) -> None:
        """`client` gave its session up."""
        self._database.execute("DELETE FROM subscription WHERE client = ?", (client,))
        self._database.execute("DELETE FROM message WHERE client = ?", (client,))

    def keep(self, topic: str, payload: bytes) -> None:
        """Keep a message for each durable subscriber of QoS 1 until `forget`."""
        clients = {
            client
            for client, topic_filter, qos in self.subscriptions()
            if qos and topic_matches_sub(topic_filter, topic)
        }
        for client in clients:
            self._database.execute(
                "INSERT INTO message (client, topic, payload) VALUES (?, ?, ?)",
                (client, topic, payload),
            )

    def forget(self, client: str, topic: str, payload: bytes) -> None:
        """`client` acknowledged such a message; of several alike the oldest goes."""
        self._database.execute(
            "DELETE FROM message WHERE number = (SELECT min(number) FROM message"
            " WHERE client = ? AND topic = ? AND payload = ?)",
            (client, topic, payload),
        )

    def undelivered(self, client: str) -> list[tuple[str, bytes]]:
        """(topic, payload) that `client` has not acknowledged, oldest first."""
        return self._database.execute(
            "SELECT topic, payload FROM message WHERE client = ? ORDER BY number", (client,)
        ).fetchall()
