"""Quantiles as text: their names and values."""

from __future__ import annotations

from tputtui import text
from tputtui.model import Quantile


def format_quantile(quantile: Quantile, unit: str | None) -> tuple[str, str]:
    """Format a quantile as (number, unit), with ≥ where it is only a lower bound."""
    digits, shown_unit = text.format_amount(quantile.value, unit)
    return (f"≥{digits}" if quantile.is_lower_bound else digits, shown_unit)


def quantile_name(q: float) -> str:
    """Format a quantile's name: 0.999 becomes p99.9."""
    return f"p{round(q * 100, 4):g}"
