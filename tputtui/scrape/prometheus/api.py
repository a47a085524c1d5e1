"""HTTP API of a server: one request, one answer, every refusal as a sentence.

A native histogram is one series without buckets of its own. In place of a number the API has an
object with "count", "sum" and "buckets", a list of [rule, "low", "high", "count"]. As
VictoriaMetrics' `vmrange` buckets it is read like any other histogram. Within a bucket the
interpolation is then linear, where Prometheus' is exponential: at the usual growth of 9 % a bucket
the difference is below 0.2 %.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tputtui.frozen import frozen
from tputtui.scrape.fetch_attempt import FetchError
from tputtui.scrape.http_fetch import EndpointSettings, Fetcher, HttpAnswer, describe_status
from tputtui.scrape.prometheus.queries import FAMILY_LABEL
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts


SHORTEST_RETRY_S = 1.0
LONGEST_RETRY_S = 10.0
BUSY_RETRY_S = 30.0  # after 429 and 503


class Backoff:
    """Delay that doubles with each failure, with jitter.

    Jitter, because other clients wait for the same server.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._failures = 0

    def add_failure(self) -> None:
        """Count a failure."""
        self._failures += 1

    def reset(self) -> None:
        """Start over after a success."""
        self._failures = 0

    def wait_s(self, *, is_busy: bool = False) -> float:
        """Return the seconds until the next attempt; `is_busy`: the server is overloaded."""
        longest = BUSY_RETRY_S if is_busy else LONGEST_RETRY_S
        shortest = max(SHORTEST_RETRY_S, self._interval_s)
        wait = min(longest, shortest * 2.0 ** min(self._failures - 1, 10))
        return wait * random.uniform(0.8, 1.0)  # noqa: S311  # no secret


Labels = dict[str, str]


def _expand_histogram(
    labels: Labels, histogram: Any, name_label: str
) -> list[tuple[Labels, float]]:
    """Make `NAME_bucket{vmrange="low...high"}`, `NAME_count` and `NAME_sum`.

    NAME is the value of `name_label`. Raises KeyError, TypeError, ValueError or IndexError if it is
    no histogram.
    """
    name = labels.get(name_label, "")
    series = [
        ({**labels, name_label: f"{name}_{part}"}, float(histogram[part]))
        for part in ("count", "sum")
    ]
    for _rule, low, high, count in histogram.get("buckets", ()):
        start, end = max(0.0, float(low)), float(high)
        if start < end:  # a bucket below zero is no duration
            vmrange = f"{start!r}...{end!r}"
            bucket = {**labels, name_label: f"{name}_bucket", "vmrange": vmrange}
            series.append((bucket, float(count)))
    return series


_MAX_INLINE_PARSE_BYTES = 500_000  # parsing more would block the loop for over 10 ms
_MAX_WARNINGS = 3  # shown of one answer
_PREFIXES = ("", "/prometheus")  # below the address; the second is that of Mimir and Cortex

Vector = list[tuple[dict[str, str], float]]
"""Labels and value of each series at one time."""

_Matrix = list[tuple[dict[str, str], list[tuple[float, float]]]]
"""Labels of each series, and its (unix seconds, value) pairs."""


class ServerError(Exception):
    """The server does not answer as it should; the text is a cleaned sentence."""

    def __init__(
        self,
        sentence: str,
        *,
        is_busy: bool = False,
        status: int | None = None,
        is_late: bool = False,
    ) -> None:
        super().__init__(clean(sentence, 200))
        self.is_late = is_late  # the connection stands, and no answer came by the deadline
        self.is_busy = is_busy  # it is overloaded, so that an early retry would make it worse
        self.status = status  # HTTP status of an answer that is not of this API


@frozen
class _QueryResult:
    """Data of an answer, the server's warnings, and the size of the answer in bytes."""

    data: Any
    warnings: tuple[str, ...]
    size: int


class ServerApi:
    """Client of one server, with one request at a time."""

    def __init__(self, settings: EndpointSettings, tls: TlsContexts | None = None) -> None:
        """`settings.url`: the server's address as of `base_url`, with its path prefix, if any."""
        self._settings = settings
        self._fetcher = Fetcher(settings, "application/json", tls)
        self._prefix: str | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection of the request under way is established."""
        return self._fetcher.is_connected

    async def aclose(self) -> None:
        """Close the connection. The next request opens another."""
        await self._fetcher.aclose()

    async def vector(self, promql: str, deadline_s: float) -> tuple[Vector, _QueryResult]:
        """Run an instant query, evaluated now by the server's clock. Raises ServerError."""
        # VictoriaMetrics withholds the newest 30 s without the last two; the others ignore them.
        form = {
            "query": promql,
            "timeout": f"{deadline_s:g}s",
            "latency_offset": "1s",
            "nocache": "1",
        }
        result = await self.request("query", deadline_s, form)
        return _parse_vector(result.data), result

    async def matrix(
        self, promql: str, deadline_s: float, span: tuple[float, float, float] | None = None
    ) -> tuple[_Matrix, _QueryResult]:
        """Run a query for several times: over `span`, or raw samples.

        Args: `span`: (start, end, step) in seconds. Raises ServerError.
        """
        form = {
            "query": promql,
            "timeout": f"{deadline_s:g}s",
            "latency_offset": "1s",
            "nocache": "1",
        }
        if span is not None:
            form |= dict(
                zip(("start", "end", "step"), (f"{part:.3f}" for part in span), strict=True)
            )
        result = await self.request("query" if span is None else "query_range", deadline_s, form)
        return _parse_matrix(result.data), result

    async def metadata(self, deadline_s: float) -> dict[str, Any]:
        """Read type, help and unit by family; empty if there are none. Raises ServerError."""
        data = (await self.request("metadata", deadline_s)).data
        return data if isinstance(data, dict) else {}

    async def request(
        self, path: str, deadline_s: float, form: dict[str, str] | None = None
    ) -> _QueryResult:
        """Request `path` below /api/v1. Raises ServerError."""
        if self._prefix is not None:
            return await self._request(self._prefix, path, deadline_s, form)
        refusal: ServerError | None = None
        for prefix in _PREFIXES:
            try:
                result = await self._request(prefix, path, deadline_s, form)
            except ServerError as error:
                refusal = refusal or error
                if error.status != HTTPStatus.NOT_FOUND:
                    break
            else:
                self._prefix = prefix
                return result
        assert refusal is not None  # noqa: S101  # the loop ran
        raise refusal

    async def _request(
        self, prefix: str, path: str, deadline_s: float, form: dict[str, str] | None
    ) -> _QueryResult:
        url = f"{self._settings.url}{prefix}/api/v1/{path}"
        try:
            answer = await self._fetcher.fetch(
                deadline_s, url, None if form is None else urlencode(form).encode(), any_status=True
            )
        except FetchError as error:
            raise ServerError(str(error), is_late=error.is_late) from None
        if len(answer.body) < _MAX_INLINE_PARSE_BYTES:
            return self._parse_answer(answer)
        return await asyncio.to_thread(self._parse_answer, answer)

    def _parse_answer(self, answer: HttpAnswer) -> _QueryResult:
        envelope: Any = None
        with contextlib.suppress(ValueError, RecursionError):  # reported below, by the status
            envelope = json.loads(answer.body)
        if not isinstance(envelope, dict):
            raise _refusal_error(answer, "", self._settings)
        if envelope.get("status") != "success" or "data" not in envelope:
            message = "".join(self._clean_texts([envelope.get("error")]))
            raise _refusal_error(answer, message, self._settings)
        warnings = [
            *self._clean_texts(envelope.get("warnings")),
            *self._clean_texts(envelope.get("infos")),
        ]
        if envelope.get("isPartial") is True:
            warnings.insert(0, "the answer is partial: a storage node does not answer")
        return _QueryResult(envelope["data"], tuple(warnings[:_MAX_WARNINGS]), len(answer.body))

    def _clean_texts(self, values: object) -> list[str]:
        """Clean the server's texts and redact our secrets, because it may quote the request."""
        if not isinstance(values, list):
            return []
        redact = self._fetcher.redactor.redact_sentence
        return [clean(redact(value), 140) for value in values if isinstance(value, str)]


def base_url(url: str) -> str:
    """Reduce an address copied from the browser to the one below which the API is."""
    url = url.partition("?")[0].rstrip("/")
    for tail in (
        "/api/v1/query",
        "/api/v1/query_range",
        "/api/v1",
        "/graph",
        "/query",
        "/vmui",
        "/metrics",
    ):
        url = url.removesuffix(tail)
    return url.rstrip("/")


def _refusal_error(answer: HttpAnswer, message: str, settings: EndpointSettings) -> ServerError:
    status = answer.status
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        if b"org id" in answer.body[:400].lower():  # Mimir, Cortex, Loki
            return ServerError(
                f"HTTP {status}: the server wants to know a tenant: set tenant for it"
            )
        return ServerError(describe_status(status, settings))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ServerError(f"the server has too much to do: {message or 'HTTP 429'}", is_busy=True)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return ServerError(
            f"the server gave up: {message}" if message else describe_status(status, settings),
            is_busy=True,
        )
    if message:
        return ServerError(f"the server refuses the query: {message} (HTTP {status})")
    if status == HTTPStatus.OK:
        return ServerError("it answers, but not as a Prometheus server does: is this its address?")
    if status == HTTPStatus.NOT_FOUND:
        return ServerError(
            "no Prometheus API at this address (HTTP 404): it lies below /api/v1", status=status
        )
    return ServerError(describe_status(status, settings), status=status)


def _parse_vector(data: Any) -> Vector:
    """Parse the series of an instant answer; a native histogram becomes several. Raises
    ServerError.
    """
    vector: Vector = []
    try:
        for series in data["result"]:
            labels = series["metric"]
            if "value" in series:
                vector.append((labels, float(series["value"][1])))
            elif "histogram" in series:
                vector += _expand_histogram(labels, series["histogram"][1], _name_label(labels))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        raise ServerError(
            "its answer is no vector of numbers: is this a Prometheus server?"
        ) from None
    return vector


def _parse_matrix(data: Any) -> _Matrix:
    matrix: _Matrix = []
    try:
        for series in data["result"]:
            labels = series["metric"]
            if "values" in series:
                samples = [(float(time), float(value)) for time, value in series["values"]]
                matrix.append((labels, samples))
            for time, histogram in series.get("histograms", ()):
                for own, value in _expand_histogram(labels, histogram, _name_label(labels)):
                    matrix.append((own, [(float(time), value)]))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        raise ServerError(
            "its answer is no matrix of numbers: is this a Prometheus server?"
        ) from None
    return matrix


def _name_label(labels: dict[str, str]) -> str:
    """Return the label that names a series: our own if the series was aggregated."""
    return FAMILY_LABEL if FAMILY_LABEL in labels else "__name__"
