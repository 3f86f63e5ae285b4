"""Unix time to the fields of a calendar and back, 2000 to 2099; epochs of ports differ."""

from __future__ import annotations

_2000_S = 946684800  # Unix time of 2000-01-01 00:00:00
_DAY_S = 86400
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def to_unix_s(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Unix time in s; 0 when there is no such moment in 2000 to 2099."""
    if not (2000 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= _month_days(year, month)):
        return 0
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return 0
    years = year - 2000
    days = years * 365 + (years + 3) // 4 + day - 1
    for before in range(1, month):
        days += _month_days(year, before)
    return _2000_S + days * _DAY_S + hour * 3600 + minute * 60 + second


def from_unix_s(unix_s: int) -> tuple[int, int, int, int, int, int, int]:
    """(year, month, day, weekday, hour, minute, second), Monday = 0; ValueError beyond 2099."""
    days, rest_s = divmod(unix_s - _2000_S, _DAY_S)
    weekday = (days + 5) % 7  # 2000-01-01 was a Saturday
    year = 2000
    while year <= 2099 and days >= 365 + (year % 4 == 0):
        days -= 365 + (year % 4 == 0)
        year += 1
    if days < 0 or year > 2099:
        raise ValueError("not in 2000 to 2099")
    month = 1
    while days >= _month_days(year, month):
        days -= _month_days(year, month)
        month += 1
    return year, month, days + 1, weekday, rest_s // 3600, rest_s // 60 % 60, rest_s % 60


def _month_days(year: int, month: int) -> int:
    return 29 if month == 2 and year % 4 == 0 else _DAYS[month - 1]
