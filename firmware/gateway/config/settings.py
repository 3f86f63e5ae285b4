"""The single settings of a configuration: names, units, ranges, defaults."""

SCHEMA = 2

# fmt: off
# (name, lowest, highest, default, unit, meaning); default None = must be given.
INTEGERS = (
    ("schema",                      SCHEMA, SCHEMA, None, "",  "version of this format"),
    ("cells_per_rack",                   1,   1024, None, "",  "cells in series"),
    ("temps_per_rack",                   1,   1024, None, "",  "temperature sensors of a rack"),
    ("charge_current_da",               10,  20000, None, "0.1 A", "continuous, per rack"),
    ("discharge_current_da",            10,  20000, None, "0.1 A", "continuous, per rack"),
    ("capacity_dah",                   100,  20000, None, "0.1 Ah", "rated capacity of a rack"),
    ("derate_l1_pm",                     0,    800,  500, "0.1 %", "current left at level 1"),
    ("rest_current_pm",                  5,     50,   20, "0.1 %", "of the rating: rest"),
    ("derating.hold_ms",                 0, 600000, 30000, "ms", "no rise after a fall"),
    ("derating.rise_da_per_s",           1,     50,   50, "0.1 A/s", "fastest rise"),
    ("derating.rise_pm_per_s",           1,     10,   10, "0.1 %/s", "fastest rise"),
    ("poll.summary_period_ms",         100,   4000,  500, "ms", "each rack's summary"),
    ("poll.scan_period_ms",           1000,  60000, 4000, "ms", "every cell voltage"),
    ("poll.temp_period_ms",           1000,  60000, 4000, "ms", "every temperature"),
    ("poll.detail_period_ms",        10000, 3600000, 60000, "ms", "counters and fault words"),
    ("poll.hot_period_ms",              20,   1000,  100, "ms", "summary of a rack in trouble"),
    ("poll.latency_ms",                  0,   1000,   10, "ms", "usual answer over TCP"),
    ("poll.reply_timeout_ms",           20,   5000,  200, "ms", "longest wait for a TCP answer"),
    ("poll.connect_timeout_ms",        100,  10000, 1000, "ms", "opening a TCP connection"),
    ("outputs.arm_delay_ms",             0,  60000, 10000, "ms", "no relay closes after boot"),
    ("outputs.zero_wait_ms",             0,   3000, 2000, "ms", "for the current to go"),
    ("outputs.check_ms",               100,   2000, 1000, "ms", "from open command to trip relay"),
    ("outputs.escalate_ms",            500,  10000, 3000, "ms", "from trip relay to site relay"),
    ("outputs.shared_dc_bus",            0,      1,    1, "",  "racks are in parallel"),
    ("outputs.reconnect_dv",             1,    100,   30, "0.1 V", "to racks it joins at rest"),
    ("outputs.suppression_delay_ms",     0, 120000, 10000, "ms", "of two smoke detectors"),
    ("outputs.site_relay",              -1,     31,   -1, "",  "drops when a rack stays closed"),
    ("outputs.ventilation_relay",       -1,     31,   -1, "",  "closes on gas"),
    ("outputs.suppression_relay",       -1,     31,   -1, "",  "closes on fire"),
    ("prooftest.interval_days",          1,   1000,  180, "d", "relays and inputs"),
    ("telemetry.flush_ms",             100,  60000, 2000, "ms", "longest time in RAM"),
    ("telemetry.segment_bytes",       8192, 262144, 65536, "B", "journal file"),
    ("telemetry.capacity_bytes",     65536, 2000000000, 8388608, "B", "oldest dropped above"),
    ("telemetry.cell_period_ms",      1000, 3600000, 10000, "ms", "record of every cell"),
    ("uplink.port",                      1,  65535, 1883, "",  "broker"),
    ("uplink.keep_alive_s",              2,   3600,   15, "s", "MQTT keep alive"),
    ("uplink.window",                    1,     32,    8, "messages", "not yet acknowledged"),
    ("uplink.batch_bytes",            2048,  65536, 4096, "B", "largest message"),
    ("uplink.linger_ms",                 0,  10000,  200, "ms", "wait to fill a message"),
    ("uplink.reconnect_base_ms",        50,  60000,  500, "ms", "full jitter from 0 to this"),
    ("uplink.reconnect_cap_ms",        100, 600000, 30000, "ms", "longest pause"),
    ("watchdog_ms",                    500,   5000, 3000, "ms", "hardware watchdog"),
)
# Texts: name, longest, default, meaning.
TEXTS = (
    ("site",              64, None, "product or site name; used in topics"),
    ("gateway",           32, None, "identity of this device; used in topics"),
    ("map",               32, None, "register map of the rack BMS"),
    ("uplink.host",       15, "",   "IPv4 address of the broker; empty = no uplink"),
    ("uplink.user",      128, "",   "empty = none"),
    ("uplink.password",  128, "",   ""),
    ("log_level",          8, "info", "debug, info or warning"),
)
# fmt: on
