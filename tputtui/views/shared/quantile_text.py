"""Quantiles as text: their names and values."""

from __future__ import annotations

from tputtui import text
from tputtui.model import Quantile


def format_quantile(quantile: Quantile, unit: str | None) -> tuple[str, str]:
    """Format a quantile as (number, unit).

    With ≥ where it is only a lower bound, and with ~ where its bucket is too wide to say more.
    """
    digits, shown_unit = text.format_amount(quantile.value, unit)
    sign = ""
    if quantile.is_lower_bound:
        sign = "≥"
    elif quantile.is_coarse and quantile.value is not None:
        sign = "~"
    return sign + digits, shown_unit


def quantile_name(q: float) -> str:
    """Format a quantile's name: 0.999 becomes p99.9."""
    return f"p{round(q * 100, 4):g}"
