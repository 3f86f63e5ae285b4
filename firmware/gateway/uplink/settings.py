"""What the uplink can be told; units in the names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config


class UplinkSettings:
    """Settings of client and publisher; those without a place in the device's configuration
    have a default here and are changed by tests only.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        client_id: str,
        user: str = "",
        password: str = "",
        keep_alive_s: int = 15,
        window: int = 8,
        batch_bytes: int = 4096,
        linger_ms: int = 200,
        reconnect_base_ms: int = 500,
        reconnect_cap_ms: int = 30000,
        connect_timeout_ms: int = 5000,
        reply_timeout_ms: int = 5000,
        stable_ms: int = 5000,
        incoming_bytes: int = 2048,
    ) -> None:
        self.host = host
        self.port = port
        self.client_id = client_id  # one connection per id: a second one takes over the first
        self.user = user  # empty = none
        self.password = password
        self.keep_alive_s = keep_alive_s
        self.window = window  # QoS 1 messages not yet acknowledged
        self.batch_bytes = batch_bytes  # largest payload of one message
        self.linger_ms = linger_ms  # shortest time between messages that are not full
        self.reconnect_base_ms = reconnect_base_ms
        self.reconnect_cap_ms = reconnect_cap_ms
        self.connect_timeout_ms = connect_timeout_ms
        self.reply_timeout_ms = reply_timeout_ms  # any answer of the broker, any write
        self.stable_ms = stable_ms  # a session that lasted this long was a good one
        self.incoming_bytes = incoming_bytes  # largest packet accepted


def load_settings(config: Config) -> UplinkSettings:
    """The settings of a checked device configuration; the client id is the gateway's name."""
    return UplinkSettings(
        host=config.text("uplink.host"),
        port=config.integer("uplink.port"),
        client_id=config.text("gateway"),
        user=config.text("uplink.user"),
        password=config.text("uplink.password"),
        keep_alive_s=config.integer("uplink.keep_alive_s"),
        window=config.integer("uplink.window"),
        batch_bytes=config.integer("uplink.batch_bytes"),
        linger_ms=config.integer("uplink.linger_ms"),
        reconnect_base_ms=config.integer("uplink.reconnect_base_ms"),
        reconnect_cap_ms=config.integer("uplink.reconnect_cap_ms"),
    )
