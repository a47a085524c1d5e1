"""Exhausted descriptors, memory or threads.

The message, and that only the requester is affected.
"""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Callable
from typing import NoReturn

import psutil
import pytest
from exporter import Exporter

from tputtui import descriptors
from tputtui.discovery.discoverer import Discoverer
from tputtui.host import kernel_files
from tputtui.host.host_collector import HostCollector
from tputtui.host.process_collector import ProcessCollector
from tputtui.model import Exposition
from tputtui.scrape import fetch_attempt
from tputtui.scrape.blocking_call import BlockingCall
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.fetch_attempt import FetchAttempt
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.scanner import Scanner

FULL = OSError(errno.EMFILE, "Too many open files")


def failing(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FULL, descriptors.TOO_MANY),
        (OSError(errno.ENFILE, "File table overflow"), descriptors.TOO_MANY_ON_MACHINE),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), descriptors.NO_MEMORY),
        (MemoryError(), descriptors.NO_MEMORY),
        (RuntimeError("can't start new thread"), descriptors.NO_THREAD),
        (
            ExceptionGroup("unhandled", [ValueError("x"), ExceptionGroup("in it", [FULL])]),
            descriptors.TOO_MANY,
        ),
    ],
)
def test_an_exhausted_resource_is_named_with_its_remedy(error: Exception, sentence: str) -> None:
    assert descriptors.shortage(error) == sentence
    assert FetchAttempt().describe_failure(error) == sentence


def test_any_other_error_keeps_its_own_sentence() -> None:
    for error in (
        OSError(errno.ECONNREFUSED, "Connection refused"),
        RuntimeError("x"),
        ValueError("too many open"),
    ):
        assert descriptors.shortage(error) is None
    assert descriptors.reason(OSError(errno.EACCES, "Permission denied")) == "permission denied"


@pytest.mark.parametrize(
    ("soft", "hard", "targets", "raised"),
    [
        (
            1024,
            1_000_000_000,
            1100,
            2048,
        ),  # closing all descriptors in a child would take minutes with the hard limit
        (1024, resource.RLIM_INFINITY, 1100, 2048),
        (1024, 1200, 1100, 1200),  # the hard limit
        (1024, 1024, 1100, None),
        (1024, 4096, 3, None),  # sufficient already
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 1100, None),
        (1024, resource.RLIM_INFINITY, 10**8, descriptors.MAX_DESCRIPTORS),
    ],
)
def test_the_limit_is_raised_where_needed_and_no_further(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, targets: int, raised: int | None
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    monkeypatch.setattr(descriptors, "_inherited", None)
    descriptors.make_room(targets)
    assert asked == ([] if raised is None else [(raised, hard)])
    assert descriptors.inherited_limit() == (None if raised is None else soft)


def test_a_limit_that_may_not_be_raised_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 4096))
    monkeypatch.setattr(
        resource, "setrlimit", failing(PermissionError(errno.EPERM, "Operation not permitted"))
    )
    descriptors.make_room(1000)
    assert descriptors.inherited_limit() is None


# --------------------------------------------------------------------------------------- one target


class Short:
    """Scanner without enough memory for the answer."""

    def scan(
        self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None
    ) -> Exposition:
        raise MemoryError


async def test_an_answer_too_large_for_memory_is_an_error_of_its_target() -> None:
    with Exporter() as exporter:
        asked = Endpoint(EndpointSettings.from_text(f":{exporter.port}"), Short())
        assert (await asked.scrape(10)).error == descriptors.NO_MEMORY
        await asked.aclose()


async def test_memory_exhausted_while_the_body_arrives_is_an_error_of_its_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Exporter() as exporter:
        asked = Endpoint(EndpointSettings.from_text(f":{exporter.port}"), Scanner())
        with monkeypatch.context() as patch:
            patch.setattr(fetch_attempt.InflatedBody, "feed", failing(MemoryError()))
            assert (await asked.scrape(10)).error == descriptors.NO_MEMORY
        assert (await asked.scrape(10)).error is None
        await asked.aclose()


async def test_a_call_that_gets_no_thread_fails_once_and_not_permanently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aside = BlockingCall(lambda: 5)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", failing(RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError, match="new thread"):
            await aside()
    assert await aside() == 5


# ----------------------------------------------------------------------------------------- the host


def test_a_host_metric_without_a_descriptor_is_unknown_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", failing(FULL))
    monkeypatch.setattr(kernel_files, "read", failing(FULL))
    reading = HostCollector().read()
    reasons = dict(reading.missing)
    assert (reading.memory_total_bytes, reading.run_queue) == (None, None)
    assert reasons["memory"] == descriptors.TOO_MANY
    assert descriptors.TOO_MANY in reasons["run queue"]
    assert reading.cpu is not None


def test_an_unreadable_process_is_not_reported_as_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collector = ProcessCollector()
    assert any(process.pid == os.getpid() for process in collector.read())
    monkeypatch.setattr(os, "open", failing(FULL))
    with pytest.raises(OSError, match="Too many open files"):
        collector.read()


async def test_listeners_that_cannot_be_listed_are_not_reported_as_absent() -> None:
    discovery = await Discoverer(failing(FULL)).discover()
    assert discovery.sentence.startswith(
        f"the listening ports cannot be listed: {descriptors.TOO_MANY}"
    )
    assert "nothing listens" not in discovery.sentence
