"""Known exporters: one table for each field of use, one entry for each exporter.

`exporter_match` parses the lines of an entry:

    traffic, extra     name{label="value"} [unit]
                       the first that exists and has ever counted is used
    errors             name by label = value|value
                       without values the rule of status classes decides
    latency            name [ms] / counter
                       the unit, if the name has none; the counter that divides a total
    saturation         words: name{label="value"} / limit
                       "waiting" at the end marks a queue
"""

from __future__ import annotations

from tputtui.frozen import frozen


@frozen
class ExporterEntry:
    """Meaning of the families of one exporter, framework or server.

    `signature` lists families (base or sample names). One of them is sufficient, and a trailing `*`
    stands for any name that continues at a word's end. `rank` decides which exporter is the main
    one if a target has several: 3 serves users itself (a web framework, an inference server, a
    proxy), 2 is a store or a broker, 1 works in the background, 0 is the host.
    """

    name: str
    signature: tuple[str, ...]
    traffic: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    latency: tuple[str, ...] = ()
    saturation: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    rank: int = 2
    missing_signals: tuple[str, ...] = ()
    """Signals that the exporter is known not to have: none is guessed for them."""


def all_entries() -> tuple[ExporterEntry, ...]:
    """Return all entries in the order of the tables."""
    from tputtui.signals.classify.exporters import (
        brokers,
        coordination,
        inference,
        platform,
        proxies,
        stores,
        telemetry,
        web,
    )

    return (
        *inference.ENTRIES,
        *web.ENTRIES,
        *proxies.ENTRIES,
        *stores.ENTRIES,
        *coordination.ENTRIES,
        *telemetry.ENTRIES,
        *brokers.ENTRIES,
        *platform.ENTRIES,
    )
