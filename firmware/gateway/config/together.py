"""Checks of a configuration over several settings: ratings, cells, system class, periods."""

from __future__ import annotations

from gateway.config.curves import CURVES, check_curves
from gateway.config.rules import LEVELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.config.limits import Limit

_OVERCURRENT = (
    ("charge_overcurrent", "charge_current_da", "charge_rate_pm"),
    ("discharge_overcurrent", "discharge_current_da", "discharge_rate_pm"),
)
_PEAKS = ("charge_peak_current", "discharge_peak_current")
_HIGHEST_CELL_CDV = 365  # 0.01 V: 3.65 V, no string of cells may be above it
_LOWEST_CELL_CDV = 250  # 2.5 V, the data sheet's limit above 0 degC
# Of what is recorded of a rack at one instant at the worst: noise that no code makes smaller.
_HALF_BYTES_PER_VALUE = 7  # the code takes 5 at most
_AROUND_BYTES = 180  # the summary, and the headers of section, record and message
_LARGEST_BYTES = 4000  # that fit into one record
_EVENTS_FILES = 4  # that the events' share has room for: black boxes are rationed with that
_HIGHEST_PEAK = (21, 10)  # 2.1 times the capacity per hour: cells bear 2 C for 30 s
_OHM_PER_VOLT = 100  # the least that published practice accepts for a storage system
_FRESH_MS = 3000  # age up to which a current or a voltage may count as of now


def check_together(settings: Config, problems: list[str]) -> None:
    """What no single setting can tell; every limit has passed its own checks."""
    if settings.text("uplink.password") and not settings.text("uplink.user"):
        problems.append("uplink.password: needs uplink.user too")
    if settings.integer("uplink.tls") and not settings.text("uplink.ca_file"):
        problems.append("uplink.ca_file: needed with uplink.tls")
    if bool(settings.text("uplink.cert_file")) != bool(settings.text("uplink.key_file")):
        problems.append("uplink.cert_file, uplink.key_file: one needs the other")
    _check_currents(settings, problems)
    _check_periods(settings, problems)
    _check_cells(settings, problems)
    _check_records(settings, problems)
    _check_relays(settings, problems)
    _check_reset(settings, problems)
    stops = {}
    for _, rule, _ in CURVES:
        levels = settings.limits[rule]
        if levels[1] is not None:
            stops[rule] = (levels[1].set_point, _last(levels).set_point)
    check_curves(settings.curves, stops, problems)


def _last(levels: tuple[Limit | None, ...]) -> Limit:
    """The highest level that exists."""
    return [limit for limit in levels if limit is not None][-1]


def _check_currents(settings: Config, problems: list[str]) -> None:
    limits = settings.limits
    for rule, rating, _ in _OVERCURRENT:
        highest = settings.integer(rating) * 13 // 10
        if _last(limits[rule]).set_point > highest:
            _above("limits.%s.l3.set" % rule, highest, "1.3 x " + rating, problems)
    numerator, denominator = _HIGHEST_PEAK
    highest = settings.integer("capacity_dah") * numerator // denominator
    for rule in _PEAKS:
        if _last(limits[rule]).set_point > highest:
            _above("limits.%s.l3.set" % rule, highest, "2.1 x capacity_dah", problems)
    for _, rating, rate in _OVERCURRENT:
        rate_pm = settings.integer(rate)
        highest = settings.integer("capacity_dah") * rate_pm // 1000
        if settings.integer(rating) > highest:
            _above(rating, highest, "%d/1000 C of capacity_dah" % rate_pm, problems)


def _above(name: str, highest_da: int, what: str, problems: list[str]) -> None:
    problems.append(
        "%s: above %d, that is %d.%d A or %s"
        % (name, highest_da, highest_da // 10, highest_da % 10, what)
    )


def _check_periods(settings: Config, problems: list[str]) -> None:
    period_ms = settings.integer("poll.summary_period_ms")
    reply_ms = settings.integer("poll.reply_timeout_ms")
    if reply_ms >= period_ms:
        problems.append("poll.reply_timeout_ms: must be below poll.summary_period_ms")
    levels = [limit for limit in settings.limits["comm_loss"] if limit is not None]
    if levels[0].set_point < 2 * period_ms:
        problems.append("limits.comm_loss.l1.set: below two summary periods")
    fresh_ms = max(_FRESH_MS, 2 * period_ms)
    if levels[0].set_point > fresh_ms:
        problems.append("limits.comm_loss.l1.set: above %d ms, fresh data are newer" % fresh_ms)
    # A summary may have to wait for two other requests, and then takes its own time.
    longest_ms = max([bus.reply_timeout_ms for bus in settings.buses] + [reply_ms])
    oldest_ms = period_ms + 3 * longest_ms
    for level, limit in zip(LEVELS, levels):
        if limit.clear_point < oldest_ms:
            problems.append(
                "limits.comm_loss.%s.clear: below %d ms, data of a good rack are older"
                % (level, oldest_ms)
            )


def _check_cells(settings: Config, problems: list[str]) -> None:
    limits = settings.limits
    cells = settings.integer("cells_per_rack")
    highest = _last(limits["rack_overvoltage"]).set_point
    if highest > cells * _HIGHEST_CELL_CDV // 10:
        problems.append("limits.rack_overvoltage.l3.set: above 3.65 V per cell")
    if _last(limits["rack_undervoltage"]).set_point < cells * _LOWEST_CELL_CDV // 10:
        problems.append("limits.rack_undervoltage.l3.set: below 2.5 V per cell")
    least_kohm = highest * _OHM_PER_VOLT // 10000
    if _last(limits["insulation"]).set_point < least_kohm:
        problems.append("limits.insulation.l3.set: below 100 ohm per volt, %d kOhm" % least_kohm)
    for warm, cold in zip(limits["cell_undervoltage"], limits["cell_undervoltage_cold"]):
        if warm is not None and cold is not None and cold.set_point > warm.set_point:
            problems.append("limits.cell_undervoltage_cold: above cell_undervoltage")


def _check_records(settings: Config, problems: list[str]) -> None:
    values = settings.integer("cells_per_rack") + settings.integer("temps_per_rack")
    needed = values * _HALF_BYTES_PER_VALUE // 2 + _AROUND_BYTES
    if needed > _LARGEST_BYTES:
        most = (_LARGEST_BYTES - _AROUND_BYTES) * 2 // _HALF_BYTES_PER_VALUE
        problems.append("cells_per_rack: more than %d with temps_per_rack" % most)
    if settings.integer("uplink.batch_bytes") < needed:
        problems.append("uplink.batch_bytes: %d needed for one rack" % needed)
    share = settings.integer("telemetry.capacity_bytes") * settings.integer("telemetry.events_pm")
    if share // 1000 < _EVENTS_FILES * settings.integer("telemetry.segment_bytes"):
        problems.append(
            "telemetry.segment_bytes: above %d, a quarter of telemetry.events_pm of capacity_bytes"
            % (share // 1000 // _EVENTS_FILES)
        )


def _check_relays(settings: Config, problems: list[str]) -> None:
    taken = {rack.trip_relay: "the trip relay of " + rack.name for rack in settings.racks}
    for role in ("site", "ventilation", "suppression"):
        name = "outputs.%s_relay" % role
        number = settings.integer(name)
        if number < 0:
            continue
        if number in taken:
            problems.append("%s: relay %d is %s" % (name, number, taken[number]))
        taken[number] = name


def _check_reset(settings: Config, problems: list[str]) -> None:
    """A trip outlives restarts, and a new flash begins with one: somebody must end it."""
    roles = [each.role for each in settings.inputs]
    if "reset" not in roles and not settings.integer("commands.acknowledge"):
        problems.append(
            "inputs: none has the role reset, and commands.acknowledge is 0: no trip could ever be"
            " released; a list of inputs must name the reset button too"
        )
