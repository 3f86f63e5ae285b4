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
        connect_delay_ms: int = 0,
        reconnect_base_ms: int = 500,
        reconnect_cap_ms: int = 30000,
        connect_timeout_ms: int = 5000,
        reply_timeout_ms: int = 5000,
        stable_ms: int = 5000,
        incoming_bytes: int = 2048,
        tls: bool = False,
        server_name: str = "",
        ca_file: str = "",
        cert_file: str = "",
        key_file: str = "",
        live_period_ms: int = 500,
        live_cells: bool = True,
        backlog_factor: int = 4,
        backlog_delay_ms: int = 60000,
    ) -> None:
        self.host = host
        self.port = port
        self.client_id = client_id  # one connection per id: a second one takes over the first
        self.user = user  # empty = none
        self.password = password
        self.keep_alive_s = keep_alive_s
        self.window = window  # QoS 1 messages not yet acknowledged
        self.batch_bytes = batch_bytes  # largest payload of one message
        self.linger_ms = linger_ms  # shortest time between messages of events that are not full
        self.connect_delay_ms = connect_delay_ms  # the first attempt is made within this
        self.reconnect_base_ms = reconnect_base_ms
        self.reconnect_cap_ms = reconnect_cap_ms
        self.connect_timeout_ms = connect_timeout_ms
        self.reply_timeout_ms = reply_timeout_ms  # any answer of the broker, any write
        self.stable_ms = stable_ms  # a session that lasted this long was a good one
        self.incoming_bytes = incoming_bytes  # largest packet accepted
        self.tls = tls
        self.server_name = server_name  # that the broker's certificate must name; empty = host
        self.ca_file = ca_file  # file of the configuration, DER or PEM, as the next two
        self.cert_file = cert_file  # empty = this device shows no certificate
        self.key_file = key_file
        self.live_period_ms = live_period_ms  # of each rack's summary; 0 = none
        self.live_cells = live_cells  # every scan of all cells
        self.backlog_factor = backlog_factor  # rate of samples over what comes in
        self.backlog_delay_ms = backlog_delay_ms  # samples begin within this after a connect


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
        connect_delay_ms=config.integer("uplink.connect_delay_ms"),
        reconnect_base_ms=config.integer("uplink.reconnect_base_ms"),
        reconnect_cap_ms=config.integer("uplink.reconnect_cap_ms"),
        tls=config.integer("uplink.tls") == 1,
        server_name=config.text("uplink.server_name"),
        ca_file=config.text("uplink.ca_file"),
        cert_file=config.text("uplink.cert_file"),
        key_file=config.text("uplink.key_file"),
        live_period_ms=config.integer("uplink.live_period_ms"),
        live_cells=config.integer("uplink.live_cells") == 1,
        backlog_factor=config.integer("uplink.backlog_factor"),
        backlog_delay_ms=config.integer("uplink.backlog_delay_ms"),
    )
