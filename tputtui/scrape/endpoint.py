"""One target that answers with an exposition: asks it, within a deadline and within limits, and never raises."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from tputtui.descriptors import shortage
from tputtui.model import Exposition, Scrape, Target
from tputtui.scrape.content_sniffing import looks_like_sample
from tputtui.scrape.fetch_attempt import FetchError
from tputtui.scrape.http_fetch import EndpointSettings, Fetcher, HttpAnswer
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts

__all__ = ["BodyReader", "Endpoint", "EndpointSettings"]

ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
_MAY_BE_CUT = "the last line is not read: the answer has no length and ends without a newline, so it may be cut"
_MIN_BODY_S = 0.05  # a body that takes no longer than this came with its first byte
_MAX_INLINE_SCAN_BYTES = (
    2_000_000  # from here on reading takes longer than the loop should stand still (10 ms)
)


class BodyReader(Protocol):
    """What reads a body: `exposition.Scanner`."""

    def scan(
        self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None
    ) -> Exposition:
        """The body read. Raises NotAnExposition, whose text is a sentence."""
        ...


class Endpoint:
    """A target and its connection. One scrape at a time; everything on one event loop."""

    def __init__(
        self, settings: EndpointSettings, reader: BodyReader, tls: TlsContexts | None = None
    ) -> None:
        """`reader` is this target's own: it interns its series. Endpoints that share `tls` share certificate stores."""
        self.settings = settings
        self.name = settings.name
        self._reader = reader
        self._fetcher = Fetcher(settings, ACCEPT, tls)

    @property
    def target(self) -> Target:
        """The target as the model knows it."""
        return self.settings.target

    @property
    def timeout_s(self) -> float:
        """How long one scrape may take, as it is configured."""
        return self.settings.timeout_s

    @property
    def is_connected(self) -> bool:
        """Whether the connection of the attempt under way stands."""
        return self._fetcher.is_connected

    @property
    def partial(self) -> int:
        """Bytes that have come of the answer under way, or of the one whose deadline passed."""
        return self._fetcher.partial

    async def scrape(self, deadline_s: float, wanted: frozenset[str] | None = None) -> Scrape:
        """Ask once. Resolving, connecting and the whole body have `deadline_s` seconds together.

        Whatever goes wrong is the scrape's `error`; only a cancellation gets out. `wanted`: the sample names to read.
        The time of a good scrape is that of the answer's first byte: what comes later was counted by then.
        """
        await self._fetcher.load()
        started = time.monotonic()
        try:
            answer = await self._fetcher.fetch(deadline_s)
        except FetchError as failure:
            at = time.monotonic()
            why = str(failure)
            return Scrape(
                self.name,
                at,
                time.time(),
                at - started,
                error=why,
                late=failure.is_late,
                silent=failure.is_silent,
            )
        ended = time.monotonic()
        duration_s = ended - started
        at, now = answer.first_byte_at or (ended, time.time())
        try:
            exposition = await self._scan(answer, wanted)
        except (
            Exception
        ) as failure:  # NotAnExposition, or a defect of the reader: this target's matter alone
            sentence = shortage(failure) or str(failure) or "not a metrics page"
            error = clean(self._fetcher.redactor.redact_sentence(sentence), 200)
            return Scrape(self.name, at, now, duration_s, error=error)
        return Scrape(
            self.name,
            at,
            now,
            duration_s,
            exposition=exposition,
            size=len(answer.body),
            first_byte_s=at - started if ended - at > _MIN_BODY_S else None,
            delayed_s=answer.delayed_s if answer.delayed_s > _MIN_BODY_S else 0.0,
        )

    async def aclose(self) -> None:
        """Close the connection. The next scrape opens another."""
        await self._fetcher.aclose()

    async def _scan(self, answer: HttpAnswer, wanted: frozenset[str] | None) -> Exposition:
        body = answer.body if answer.is_framed else _drop_cut_line(answer.body)
        if len(body) < _MAX_INLINE_SCAN_BYTES:
            found = self._reader.scan(body, answer.content_type, wanted)
        else:
            found = await asyncio.to_thread(self._reader.scan, body, answer.content_type, wanted)
        if body is answer.body:
            return found
        return replace(found, truncated=True, warning=found.warning or _MAY_BE_CUT)


def _drop_cut_line(body: bytes) -> bytes:
    """A body whose end nothing vouches for, without a last line that may be cut: 79 of 797165 is a number, too."""
    kept, newline, last = body.rpartition(b"\n")
    return kept + newline if looks_like_sample(last) else body
