"""What the words and numbers of the TLS libraries mean, and what stops TLS before it begins."""

from __future__ import annotations

import errno
import unittest

from scripted_broker import run

from gateway.clock import RTC, UNSET, Clock
from gateway.uplink.reasons import TlsError, is_tls_fault, os_reason, tls_reason
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.tls_context import TlsConnector, connector

# As the libraries say it: mbedTLS (with and without its texts), OpenSSL.
EXPIRED = (
    ValueError("The certificate validity has expired\n"),
    OSError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] verify failed: certificate has expired"),
)
AUTHORITY = (
    ValueError("The certificate is not correctly signed by the trusted CA\n"),
    OSError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] verify failed: unable to get local issuer"),
    OSError(1, "certificate verify failed: self-signed certificate in certificate chain"),
    OSError(-9984),
)
NAME = (
    ValueError("The certificate Common Name (CN) does not match with the expected CN\n"),
    OSError(1, "Hostname mismatch, certificate is not valid for 'other'. (_ssl.c:1006)"),
)
EARLY = (
    ValueError("The certificate validity starts in the future\n"),
    OSError(1, "certificate verify failed: certificate is not yet valid"),
)
REFUSED = (
    OSError(-30592),
    OSError(-30592, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"),
    OSError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required"),
    OSError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)"),
)
NO_TLS = (
    OSError(-29184),
    OSError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"),
)


class TestReasons(unittest.TestCase):
    def test_each_fault_has_a_meaning_of_its_own(self):
        for faults, meaning in (
            (EXPIRED, "has expired: renew it"),
            (AUTHORITY, "not signed by the authority in uplink.ca_file"),
            (NAME, "for another name: see uplink.server_name"),
            (EARLY, "is this device's clock right?"),
            (REFUSED, "the broker refused this device"),
            (NO_TLS, "does not speak TLS: see uplink.port"),
        ):
            for fault in faults:
                self.assertIn(meaning, tls_reason(fault), str(fault))

    def test_what_nobody_knows_keeps_its_words_in_one_line(self):
        self.assertEqual(tls_reason(ValueError("odd\nthing\n")), "TLS: odd thing")

    def test_faults_of_the_socket_are_none_of_tls(self):
        self.assertTrue(is_tls_fault(OSError(-30592, "")))
        for number in (errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, 32):
            self.assertFalse(is_tls_fault(OSError(number, "")))
        self.assertFalse(is_tls_fault(OSError("no number")))

    def test_names_of_numbers(self):
        self.assertEqual(os_reason(OSError(errno.ECONNREFUSED, "")), "ECONNREFUSED")
        self.assertEqual(os_reason(OSError(32, "")), "EPIPE")
        self.assertTrue(os_reason(OSError(99999, "")).startswith("error "))


class NoFiles:
    formatted = False

    def open(self, name, mode):
        raise OSError(errno.ENOENT, "")


class TestConnector(unittest.TestCase):
    def refusal(self, quality, **settings):
        """Why TLS does not begin; nothing may be opened."""
        opened = []

        async def open_stream(host, port, tls=None, server_name=""):
            opened.append(host)
            return None, None

        async def main():
            options = UplinkSettings(host="10.0.0.5", port=8883, client_id="g", **settings)
            connect = connector(open_stream, NoFiles(), options, Clock(quality))
            try:
                await connect("10.0.0.5", 8883)
            except TlsError as error:
                return str(error)
            return ""

        reasons = []

        async def note():
            reasons.append(await main())

        run(note())
        return reasons[0], opened

    def test_without_tls_the_board_connects_itself(self):
        self.assertEqual(self.refusal(UNSET), ("", ["10.0.0.5"]))

    def test_unknown_time(self):
        reason, opened = self.refusal(UNSET, tls=True, ca_file="ca.pem")
        self.assertIn("the time is not known", reason)
        self.assertEqual(opened, [])

    def test_board_without_tls(self):
        async def open_stream(host, port, tls=None, server_name=""):
            raise OSError(19, "this board has no TLS")

        options = UplinkSettings(host="10.0.0.5", port=8883, client_id="g", tls=True)
        connect = TlsConnector(open_stream, NoFiles(), options, Clock(RTC))
        connect._context = object()  # as after the files were read
        reasons = []

        async def main():
            try:
                await connect.connect("10.0.0.5", 8883)
            except TlsError as error:
                reasons.append(str(error))

        run(main())
        self.assertIn("this board cannot do it", reasons[0])

    def test_missing_files(self):
        reason, opened = self.refusal(RTC, tls=True, ca_file="ca.pem")
        self.assertEqual((reason, opened), ("uplink.ca_file: ca.pem: ENOENT", []))
        reason, opened = self.refusal(RTC, tls=True)
        self.assertEqual(reason, "uplink.ca_file: needs the name of a file")


if __name__ == "__main__":
    unittest.main()
