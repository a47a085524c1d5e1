"""Which network devices are on top of others, where the exporter says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tputtui.model import Series


def find_stacked_devices(by_name: Mapping[str, Sequence[tuple[Series, float]]]) -> frozenset[str]:
    """Return the network devices that the exporter says to be on another one.

    `…_iface_link` is the number of the interface below, `…_iface_id` its own number.
    """
    stacked: set[str] = set()
    for name, rows in by_name.items():
        if not name.endswith("_iface_link"):
            continue
        own_numbers = {
            series.label("device"): value
            for series, value in by_name.get(name.removesuffix("link") + "id", ())
        }
        for series, below in rows:
            device = series.label("device")
            # The interface below may be in another namespace: then nothing here repeats it.
            is_here = below in own_numbers.values() and own_numbers.get(device) != below
            if device and is_here:
                stacked.add(device)
    return frozenset(stacked)
