"""Discover what serves metrics on this machine, by one request where that is harmless.

Nothing is found by connecting. The kernel lists what listens; `port_table` says which ports and
names are worth one request and which must never get one; `probe` sends it. Results are kept by
process and port, so that no process is asked twice.
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
"""Ports that are probed at the same time; each port gets one request at a time."""


@frozen
class Candidate:
    """Listening port, with the decision whether to probe it."""

    port: int
    owner: ProcessReference | None  # None if the kernel hides it
    process: str  # display name as in the process table, cleaned; empty if the kernel hides it
    verdict: Literal["probe", "skip"]
    reason: str
    host: str = "127.0.0.1"  # address to connect to
    paths: tuple[str, ...] = ("/metrics",)

    @property
    def identity(self) -> tuple[ProcessReference | None, int]:
        """Identity of a result: the process and the port."""
        return (self.owner, self.port)


@frozen
class DiscoveredTarget:
    """Port that serves metrics."""

    url: str
    port: int
    owner: ProcessReference | None
    process: str


@frozen
class ProbeResult:
    """Result of probing a candidate."""

    candidate: Candidate
    target: DiscoveredTarget | None
    reason: str


@frozen
class Discovery:
    """Targets found on this machine, with all candidates and probes."""

    targets: tuple[DiscoveredTarget, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    error: str = ""  # why the listeners could not be listed

    @property
    def sentence(self) -> str:
        """Describe in one line what was examined, what was probed and what was found."""
        if not self.candidates:
            return f"{self.summary}: {PORT_HINT}"
        asked = [probe.candidate for probe in self.probes]
        count = len(self.candidates)
        looked = f"examined {count} listening port{'s' if count != 1 else ''}"
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
        """Summarize the result for a reader who has seen the candidates."""
        if self.error:
            return f"the listening ports cannot be listed: {self.error}"
        if not self.candidates:
            return "nothing listens on this machine's loopback"
        return f"{len(self.targets)} of {len(self.candidates)} listening ports serve metrics"


# -------------------------------------------------------------------------------------- candidates


def find_candidates(
    listeners: Iterable[ListeningSocket], own_pid: int | None = None
) -> list[Candidate]:
    """Make one candidate for each listening port, with the decision and its reason, by port.

    `own_pid` is never probed (None: this process), nor a port that loopback does not reach.
    """
    own = os.getpid() if own_pid is None else own_pid
    by_port: dict[int, list[ListeningSocket]] = {}
    for listener in listeners:
        by_port.setdefault(listener.port, []).append(listener)
    candidates: list[Candidate] = []
    for port, group in sorted(by_port.items()):
        host = _loopback_host([listener.address for listener in group])
        owner = next((listener for listener in group if listener.process is not None), group[0])
        is_worthwhile, reason = _decide(owner, own, is_reachable=host is not None)
        candidates.append(
            Candidate(
                port=port,
                owner=owner.process,
                process=owner.name or owner.comm,
                verdict="probe" if is_worthwhile else "skip",
                reason=reason,
                host=host or "127.0.0.1",
                paths=("/metrics", *_extra_paths(owner.comm, port)),
            )
        )
    return candidates


def _decide(listener: ListeningSocket, own: int, *, is_reachable: bool) -> tuple[bool, str]:
    """Decide whether to probe a listener, with the reason."""
    port, name = listener.port, listener.comm
    if listener.process is not None and listener.process.pid == own:
        return False, "that is this program"
    if not is_reachable:
        return False, "it does not listen on loopback"
    if port in port_table.DENIED_PORTS:
        usual = port_table.DENIED_PORTS[port]
        return False, f"port {port} is usually {usual}, which is never asked"
    if name and port_table.DENIED_NAMES.fullmatch(name):
        return False, f"{name} is never asked"
    if port in port_table.KNOWN_PORTS:
        return True, f"port {port} is usually {port_table.KNOWN_PORTS[port]}"
    if "jdwp" in listener.command:
        return False, "a debugger may be listening there"
    if name and port_table.SUGGESTING_NAMES.fullmatch(name):
        return True, f"{name} often serves metrics"
    if name:
        return False, "neither its port nor its name suggests metrics"
    return False, "its port suggests no metrics"


def _extra_paths(name: str, port: int) -> tuple[str, ...]:
    by_port = port_table.EXTRA_PATHS_BY_PORT.get(port, ())
    return next(
        (paths for pattern, paths in port_table.EXTRA_PATHS if pattern.fullmatch(name)), by_port
    )


def _loopback_host(addresses: Iterable[str]) -> str | None:
    """Return the address of the port on loopback, IPv4 if possible; None without one."""
    parsed = [address for address in map(_parse_address, addresses) if address is not None]
    if any(address.is_unspecified for address in parsed):
        is_only_ipv6 = all(isinstance(address, IPv6Address) for address in parsed)
        # "::" accepts IPv4 too unless IPV6_V6ONLY is set, which the table does not show: ::1 works.
        return "::1" if is_only_ipv6 else "127.0.0.1"
    loopback = sorted(
        (address for address in parsed if address.is_loopback), key=lambda address: address.version
    )
    return str(loopback[0]) if loopback else None


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


# ----------------------------------------------------------------------------------------- probing


async def probe_candidate(
    candidate: Candidate, request: Callable[[str, int, str], Awaitable[ProbeAnswer]] = request_path
) -> ProbeResult:
    """Probe a candidate, path by path, until one has metrics. Nothing is tried twice."""
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
    """Repeated discovery that asks each process and port once in its life."""

    def __init__(
        self,
        listeners: Callable[[], Iterable[ListeningSocket]] = list_listeners,
        request: Callable[[str, int, str], Awaitable[ProbeAnswer]] = request_path,
    ) -> None:
        self._listeners = listeners
        self._request = request
        self._results: dict[tuple[ProcessReference | None, int], ProbeResult] = {}

    async def discover(self) -> Discovery:
        """Discover everything that serves metrics on loopback. The listeners are listed in a
        thread.
        """
        try:
            candidates = find_candidates(await asyncio.to_thread(self._listeners))
        except (OSError, RuntimeError) as error:  # no descriptor, or no thread
            return Discovery(error=clean(shortage(error) or str(error), 200))
        semaphore = asyncio.Semaphore(MAX_CONCURRENT)

        async def probe_once(candidate: Candidate) -> ProbeResult:
            known = self._results.get(candidate.identity)
            if known is not None:
                return known
            async with semaphore:
                return await probe_candidate(candidate, self._request)

        probes = await asyncio.gather(
            *(probe_once(candidate) for candidate in candidates if candidate.verdict == "probe")
        )
        self._results = {result.candidate.identity: result for result in probes}
        targets = tuple(result.target for result in probes if result.target is not None)
        return Discovery(targets, tuple(candidates), tuple(probes))


async def discover(pid: int | None = None) -> Discovery:
    """Discover once, on all ports or on those of the process `pid`.

    To discover repeatedly, keep a `Discoverer`.
    """

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
