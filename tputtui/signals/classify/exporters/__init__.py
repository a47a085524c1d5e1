"""What is known of exporters in the wild: one table a field of use, one entry an ecosystem.

An entry is written as an SRE would write it on a whiteboard; `ecosystems` reads it:

    traffic, further   name{label="value"} [unit]              the first that exists, and has ever counted, is taken
    errors             name by label = value|value             without values the rule of status classes decides
    latency            name [ms] / counter                     the unit where the name has none; the counter that divides a total
    saturation         words: name{label="value"} / limit      "waiting" at the end marks a queue
"""

from __future__ import annotations

from tputtui.frozen import frozen


@frozen
class ExporterEntry:
    """What the families of one exporter, framework or server mean.

    `signs` are families (base or sample names); one is enough, and a trailing `*` stands for any name that goes on at
    a word's end. `rank` decides which is the main one where several stand on one target: 3 serves users itself (a
    web framework, an inference server, a proxy), 2 is a store or a broker, 1 works in the background, 0 is the host.
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
    """Signals that the exporter is known not to have: nothing is guessed for them."""


def all_entries() -> tuple[ExporterEntry, ...]:
    """All entries, in the order in which the tables list them."""
    from tputtui.signals.classify.exporters import brokers, inference, platform, proxies, stores, telemetry, web

    return (
        *inference.ENTRIES,
        *web.ENTRIES,
        *proxies.ENTRIES,
        *stores.ENTRIES,
        *telemetry.ENTRIES,
        *brokers.ENTRIES,
        *platform.ENTRIES,
    )
