"""A server's HTTP API: one question, one answer, and every refusal in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tputtui.frozen import frozen
from tputtui.scrape.fetch_attempt import FetchError
from tputtui.scrape.http_fetch import EndpointSettings, Fetcher, HttpAnswer, describe_status
from tputtui.scrape.prometheus.native_histograms import expand_histogram
from tputtui.scrape.prometheus.queries import FAMILY_LABEL
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts

_MAX_INLINE_PARSE_BYTES = (
    500_000  # from here on reading takes longer than the loop should stand still (10 ms)
)
_MAX_WARNINGS = 3  # shown of one answer
_PREFIXES = (
    "",
    "/prometheus",
)  # below the address as given: Mimir and Cortex keep the API under the second

Vector = list[tuple[dict[str, str], float]]
"""Labels and value of each series at one moment."""

Matrix = list[tuple[dict[str, str], list[tuple[float, float]]]]
"""Labels of each series, and its (unix seconds, value) pairs."""


class ServerError(Exception):
    """The server does not answer as it should; the text is a sentence, cleaned."""

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
        self.is_busy = is_busy  # it has too much to do: who asks again soon makes it worse
        self.status = status  # of an answer that is no answer of this API


@frozen
class QueryResult:
    """The data of an answer, what the server warns of, and the size of the answer in bytes."""

    data: Any
    warnings: tuple[str, ...]
    size: int


class ServerApi:
    """One server, one request at a time."""

    def __init__(self, settings: EndpointSettings, tls: TlsContexts | None = None) -> None:
        """`settings.url` is the server's address as `base_of` makes it, with its path prefix, if it has one."""
        self._settings = settings
        self._fetcher = Fetcher(settings, "application/json", tls)
        self._prefix: str | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the connection of the request under way stands."""
        return self._fetcher.is_connected

    async def aclose(self) -> None:
        """Close the connection. The next request opens another."""
        await self._fetcher.aclose()

    async def vector(self, promql: str, deadline_s: float) -> tuple[Vector, QueryResult]:
        """An instant query, evaluated now by the server's clock. Raises ServerError."""
        # VictoriaMetrics withholds the newest 30 s unless told otherwise; the others ignore these two.
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
    ) -> tuple[Matrix, QueryResult]:
        """A query for several moments: over `span` (start, end, step in seconds), or raw samples. Raises ServerError."""
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
        """Type, help and unit by family; nothing where the server keeps none. Raises ServerError."""
        data = (await self.request("metadata", deadline_s)).data
        return data if isinstance(data, dict) else {}

    async def request(
        self, path: str, deadline_s: float, form: dict[str, str] | None = None
    ) -> QueryResult:
        """Ask for `path` below /api/v1. Raises ServerError."""
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
    ) -> QueryResult:
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

    def _parse_answer(self, answer: HttpAnswer) -> QueryResult:
        envelope: Any = None
        with contextlib.suppress(ValueError, RecursionError):  # said below, by the status
            envelope = json.loads(answer.body)
        if (
            isinstance(envelope, dict)
            and envelope.get("status") == "success"
            and "data" in envelope
        ):
            said = [
                *self._clean_texts(envelope.get("warnings")),
                *self._clean_texts(envelope.get("infos")),
            ]
            if envelope.get("isPartial") is True:
                said.insert(0, "the answer is partial: a storage node does not answer")
            return QueryResult(envelope["data"], tuple(said[:_MAX_WARNINGS]), len(answer.body))
        word = envelope.get("error") if isinstance(envelope, dict) else None
        raise _refusal_error(answer, "".join(self._clean_texts([word])), self._settings)

    def _clean_texts(self, values: object) -> list[str]:
        """What the server says, without our secrets: it may quote what it was asked."""
        texts = [one for one in values if isinstance(one, str)] if isinstance(values, list) else []
        return [clean(self._fetcher.redactor.redact_sentence(one), 140) for one in texts]


def base_url(url: str) -> str:
    """The address below which the API lies: what a person copies from the browser is cut back to it."""
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
    """The series of an instant answer; a native histogram is spread over several. Raises ServerError."""
    found: Vector = []
    try:
        for one in data["result"]:
            if "value" in one:
                found.append((one["metric"], float(one["value"][1])))
            elif "histogram" in one:
                found += expand_histogram(
                    one["metric"], one["histogram"][1], _name_label(one["metric"])
                )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        raise ServerError(
            "its answer is no vector of numbers: is this a Prometheus server?"
        ) from None
    return found


def _parse_matrix(data: Any) -> Matrix:
    found: Matrix = []
    try:
        for one in data["result"]:
            if "values" in one:
                found.append(
                    (one["metric"], [(float(time), float(value)) for time, value in one["values"]])
                )
            for time, told in one.get("histograms", ()):
                spread_out = expand_histogram(one["metric"], told, _name_label(one["metric"]))
                found += [(labels, [(float(time), value)]) for labels, value in spread_out]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        raise ServerError(
            "its answer is no matrix of numbers: is this a Prometheus server?"
        ) from None
    return found


def _name_label(labels: dict[str, str]) -> str:
    """The label that names a series: of what was added up, ours."""
    return FAMILY_LABEL if FAMILY_LABEL in labels else "__name__"
