"""What a family's figure is called: its unit, and how it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from tputtui import text
from tputtui.model import ChartedFamily
from tputtui.signals.service.family_table import FamilyRow


def family_unit(family: FamilyRow | ChartedFamily) -> str:
    """The unit of a family's figure: of what counts, per second; else what the UNIT line or the name says."""
    said = family.unit or family.name.removesuffix("_total").rpartition("_")[2]
    kind = "By" if said == "bytes" else "s" if said == "seconds" else "ratio" if said == "ratio" else ""
    if not family.is_counter:
        return kind
    if family.type != "counter":
        return "/s"  # of its observations
    return {"By": "By/s", "s": "s/s"}.get(kind, "/s")


_MIN_UNIX_TIME = 1e9  # seconds: what is a moment by its name and at least the year 2001 is no duration
_MAX_UNIX_TIME = 32_503_680_000


def format_family_value(family: FamilyRow | ChartedFamily, value: float | None) -> tuple[str, str]:
    """A family's figure as (number, unit)."""
    unit = family_unit(family)
    if unit == "s" and value is not None and value >= _MIN_UNIX_TIME and "time" in family.name:
        moment = datetime.fromtimestamp(min(value, _MAX_UNIX_TIME), UTC)
        return moment.strftime("%d %b %H:%M"), "UTC"
    return text.format_amount(value, unit)
