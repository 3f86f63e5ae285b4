"""Every setting of the uplink gets where it is used."""

from __future__ import annotations

import unittest

import sample_site

from gateway.uplink.settings import load_settings

GIVEN = {
    "host": "10.0.0.5",
    "port": 8883,
    "user": "gw",
    "password": "secret",
    "keep_alive_s": 20,
    "window": 16,
    "batch_bytes": 20000,
    "linger_ms": 150,
    "reconnect_base_ms": 700,
    "reconnect_cap_ms": 40000,
    "server_name": "broker.plant-7",
    "ca_file": "ca.pem",
    "cert_file": "gw.pem",
    "key_file": "gw-key.pem",
    "live_period_ms": 2000,
    "backlog_factor": 7,
    "backlog_delay_ms": 30000,
    "connect_delay_ms": 9000,
}


class TestLoad(unittest.TestCase):
    def test_all_of_them(self):
        uplink = dict(GIVEN)
        uplink["tls"] = 1
        uplink["live_cells"] = 0
        settings = load_settings(sample_site.settings(uplink=uplink))
        for name in GIVEN:
            self.assertEqual(getattr(settings, name), GIVEN[name], name)
        self.assertEqual((settings.tls, settings.live_cells), (True, False))
        self.assertEqual(settings.client_id, "gw-test")

    def test_what_is_not_given(self):
        settings = load_settings(sample_site.settings())
        self.assertEqual((settings.tls, settings.live_cells), (False, True))
        self.assertEqual((settings.server_name, settings.cert_file), ("", ""))


if __name__ == "__main__":
    unittest.main()
