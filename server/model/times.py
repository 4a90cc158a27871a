"""Times: aware datetimes in UTC inside, ISO 8601 outside, whole microseconds in the ledger."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from ..errors import InvalidInput

__all__ = ["from_micros", "from_time", "iso", "parse_time", "to_micros", "until_time", "utc_now"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def to_micros(time: datetime) -> int:
    """Microseconds since 1970, exact over all years."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`."""
    return _EPOCH + timedelta(microseconds=micros)


def iso(time: datetime) -> str:
    """ISO 8601 in UTC, to the second: `2026-05-08T13:56:00Z`."""
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def parse_time(text: str, *, name: str) -> datetime:
    """A date or a time in ISO 8601; without an offset it is UTC, without a time it is midnight.

    Raises:
        InvalidInput: not ISO 8601, or beyond the years 1 to 9999 in UTC.
    """
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{name}: {text[:40]!r} is no time. Use ISO 8601, such as 2026-05-08 or "
            "2026-05-08T13:56:00Z."
        ) from None


def from_time(name: str, text: str | None) -> datetime | None:
    """An argument that says where something begins: of a bare date, its first moment.

    Raises:
        InvalidInput: as `parse_time`.
    """
    return None if text is None else parse_time(text, name=name)


def until_time(name: str, text: str | None) -> datetime | None:
    """An argument that says where something ends: of a bare date, its last moment, so that the day
    is part of it.

    Raises:
        InvalidInput: as `parse_time`.
    """
    if text is None:
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return parse_time(text, name=name)
    return datetime.combine(day, clock.max, UTC)
