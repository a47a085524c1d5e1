"""What on this machine serves metrics: asked of the kernel first, and of a process only where it is safe.

Nothing is found by connecting. The kernel lists who listens; a table of ports and names (`ports`) says who is worth one
polite question and who must never get one; `probe` asks it. Verdicts are remembered by process and port, so that nobody
is asked twice.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from tputtui.descriptors import shortage
from tputtui.discovery import port_table
from tputtui.discovery.probe import ProbeAnswer, request_path
from tputtui.frozen import frozen
from tputtui.host.sockets import ListeningSocket, list_listeners
from tputtui.model import ProcessReference
from tputtui.text import clean

PORT_HINT = "tputtui :PORT watches a port by its number"

MAX_CONCURRENT = 4
"""Ports that are asked at the same time; one port is asked one thing at a time."""


@frozen
class Candidate:
    """A listening port, and whether it is worth a question."""

    port: int
    owner: ProcessReference | None  # None where the kernel hides it
    process: str  # as the process table calls it, cleaned; empty where the kernel does not tell us
    verdict: Literal["probe", "skip"]
    reason: str
    host: str = "127.0.0.1"  # where to ask
    paths: tuple[str, ...] = ("/metrics",)

    @property
    def identity(self) -> tuple[ProcessReference | None, int]:
        """Key of a verdict: the process and the port."""
        return (self.owner, self.port)


@frozen
class DiscoveredTarget:
    """A port that answers with metrics."""

    url: str
    port: int
    owner: ProcessReference | None
    process: str


@frozen
class ProbeResult:
    """What came of asking a candidate."""

    candidate: Candidate
    target: DiscoveredTarget | None
    reason: str


@frozen
class Discovery:
    """What serves metrics here, and all that was looked at on the way."""

    targets: tuple[DiscoveredTarget, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    error: str = ""  # why the listeners could not be listed

    @property
    def sentence(self) -> str:
        """What was looked at, in a line: for when nothing was found, and for those who wonder."""
        if not self.candidates:
            return f"{self.summary}: {PORT_HINT}"
        asked = [probe.candidate for probe in self.probes]
        count = len(self.candidates)
        looked = f"looked at {count} listening port{'s' if count != 1 else ''}"
        named = ", ".join(
            f":{candidate.port} {candidate.process}".rstrip() for candidate in asked[:5]
        )
        more = f" and {len(asked) - 5} more" if len(asked) > 5 else ""
        questions = f"asked {named}{more}" if asked else "none of them suggests metrics"
        result = (
            f"{len(self.targets)} answered with metrics" if self.targets else "found no metrics"
        )
        return f"{looked}, {questions}: {result}; {PORT_HINT}"

    @property
    def summary(self) -> str:
        """What came of it, for who has seen what was looked at."""
        if self.error:
            return f"the listening ports cannot be listed: {self.error}"
        if not self.candidates:
            return "nothing listens on this machine's loopback"
        return f"{len(self.targets)} of {len(self.candidates)} listening ports serve metrics"


# ------------------------------------------------------------------------------------------------- who is worth asking


def find_candidates(
    listeners: Iterable[ListeningSocket], own_pid: int | None = None
) -> list[Candidate]:
    """One candidate for each listening port that can be reached over loopback, with a verdict and its reason, by port.

    `own_pid` is never asked (None: the process that runs this).
    """
    own = os.getpid() if own_pid is None else own_pid
    by_port: dict[int, list[ListeningSocket]] = {}
    for listener in listeners:
        by_port.setdefault(listener.port, []).append(listener)
    found: list[Candidate] = []
    for port, group in sorted(by_port.items()):
        host = _loopback_host([listener.address for listener in group])
        owner = next((listener for listener in group if listener.process is not None), group[0])
        worth, reason = _decide(owner, own, reachable=host is not None)
        found.append(
            Candidate(
                port=port,
                owner=owner.process,
                process=owner.name or owner.comm,
                verdict="probe" if worth else "skip",
                reason=reason,
                host=host or "127.0.0.1",
                paths=("/metrics", *_extra_paths(owner.comm, port)),
            )
        )
    return found


def _decide(listener: ListeningSocket, own: int, *, reachable: bool) -> tuple[bool, str]:
    port, name = listener.port, listener.comm
    if listener.process is not None and listener.process.pid == own:
        return False, "that is this program"
    if not reachable:
        return False, "it does not listen on loopback"
    if port in port_table.DENIED_PORTS:
        return (
            False,
            f"port {port} is usually {port_table.DENIED_PORTS[port]}, which is never asked",
        )
    if name and port_table.DENIED_NAMES.fullmatch(name):
        return False, f"{name} is never asked"
    if port in port_table.KNOWN_PORTS:
        return True, f"port {port} is usually {port_table.KNOWN_PORTS[port]}"
    if "jdwp" in listener.command:
        return False, "a debugger may be listening there"
    if name and port_table.SUGGESTING_NAMES.fullmatch(name):
        return True, f"{name} often serves metrics"
    return (
        False,
        "neither its port nor its name suggests metrics"
        if name
        else "its port suggests no metrics",
    )


def _extra_paths(name: str, port: int) -> tuple[str, ...]:
    by_port = port_table.EXTRA_PATHS_BY_PORT.get(port, ())
    return next(
        (paths for pattern, paths in port_table.EXTRA_PATHS if pattern.fullmatch(name)), by_port
    )


def _loopback_host(addresses: Iterable[str]) -> str | None:
    """Where a port with these addresses is reached over loopback, IPv4 if it can be; None: not at all."""
    parsed = [
        address for address in (_parse_address(text) for text in addresses) if address is not None
    ]
    if any(address.is_unspecified for address in parsed):
        only_six = all(isinstance(address, IPv6Address) for address in parsed)
        # "::" takes IPv4 as well unless told otherwise, which the list does not show: ::1 always works there.
        return "::1" if only_six else "127.0.0.1"
    loopback = sorted(
        (address for address in parsed if address.is_loopback), key=lambda address: address.version
    )
    return str(loopback[0]) if loopback else None


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


# ------------------------------------------------------------------------------------------------- asking


async def probe_candidate(
    candidate: Candidate, request: Callable[[str, int, str], Awaitable[ProbeAnswer]] = request_path
) -> ProbeResult:
    """Ask a candidate, one path after the other, until one answers with metrics. Nothing is tried twice."""
    reason = candidate.reason
    for path in candidate.paths if candidate.verdict == "probe" else ():
        answer = await request(candidate.host, candidate.port, path)
        if answer.has_metrics:
            host = f"[{candidate.host}]" if ":" in candidate.host else candidate.host
            url = f"http://{host}:{candidate.port}{path}"
            return ProbeResult(
                candidate,
                DiscoveredTarget(url, candidate.port, candidate.owner, candidate.process),
                answer.reason,
            )
        reason = answer.reason
        if not answer.is_http:
            break
    return ProbeResult(candidate, None, reason)


class Discoverer:
    """Discovers again and again, and asks each process and port once in its life."""

    def __init__(
        self,
        listeners: Callable[[], Iterable[ListeningSocket]] = list_listeners,
        request: Callable[[str, int, str], Awaitable[ProbeAnswer]] = request_path,
    ) -> None:
        self._listeners = listeners
        self._request = request
        self._results: dict[tuple[ProcessReference | None, int], ProbeResult] = {}

    async def discover(self) -> Discovery:
        """Everything that serves metrics on this machine's loopback now. The list of listeners is read in a thread."""
        try:
            looked_at = find_candidates(await asyncio.to_thread(self._listeners))
        except (OSError, RuntimeError) as error:  # no descriptor, or no thread
            return Discovery(error=clean(shortage(error) or str(error), 200))
        worth = [candidate for candidate in looked_at if candidate.verdict == "probe"]
        gate = asyncio.Semaphore(MAX_CONCURRENT)

        async def one(candidate: Candidate) -> ProbeResult:
            known = self._results.get(candidate.identity)
            if known is not None:
                return known
            async with gate:
                return await probe_candidate(candidate, self._request)

        probes = await asyncio.gather(*(one(candidate) for candidate in worth))
        self._results = {result.candidate.identity: result for result in probes}
        found = tuple(result.target for result in probes if result.target is not None)
        return Discovery(found, tuple(looked_at), tuple(probes))


async def discover(pid: int | None = None) -> Discovery:
    """Look once, at the ports of one process only where a `pid` is given; who looks again keeps a `Discoverer`."""

    def listeners() -> Iterable[ListeningSocket]:
        listeners = list_listeners()
        if pid is None:
            return list(listeners)
        return [
            listener
            for listener in listeners
            if listener.process is not None and listener.process.pid == pid
        ]

    return await Discoverer(listeners).discover()
