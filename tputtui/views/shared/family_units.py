"""Unit and number format of a family's values."""

from __future__ import annotations

from datetime import UTC, datetime

from tputtui import text
from tputtui.model import ChartedFamily
from tputtui.signals.service.family_table import FamilyRow

_UNITS = {"bytes": "By", "seconds": "s", "ratio": "ratio"}


def family_unit(family: FamilyRow | ChartedFamily) -> str:
    """Unit of a family's value: per second for counters, else from the UNIT line or the name."""
    word = family.unit or family.name.removesuffix("_total").rpartition("_")[2]
    kind = _UNITS.get(word, "")
    if not family.is_counter:
        return kind
    if family.type != "counter":
        return "/s"  # observations per second
    return {"By": "By/s", "s": "s/s"}.get(kind, "/s")


# Seconds: a value from the year 2001 on, named as a time, is a timestamp, not a duration.
_MIN_UNIX_TIME = 1e9
_MAX_UNIX_TIME = 32_503_680_000


def format_family_value(family: FamilyRow | ChartedFamily, value: float | None) -> tuple[str, str]:
    """Format a family's value as (number, unit)."""
    unit = family_unit(family)
    if unit == "s" and value is not None and value >= _MIN_UNIX_TIME and "time" in family.name:
        moment = datetime.fromtimestamp(min(value, _MAX_UNIX_TIME), UTC)
        return moment.strftime("%d %b %H:%M"), "UTC"
    return text.format_amount(value, unit)
