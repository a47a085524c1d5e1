"""An object of `stream` has the keys that docs/contract.md names, and no other."""

from __future__ import annotations

import copy

import pytest
import samples
import stream_contract

from tputtui.cli.snapshot_json import to_json
from tputtui.model import HostState, ObjectiveStatus


def test_a_stream_object_has_the_keys_of_the_contract_and_no_other() -> None:
    objective = ObjectiveStatus("p99 <= 250 ms", "ok", 0.09, 4.0)
    document = to_json(samples.snapshot(objectives=(objective,)))
    stream_contract.assert_shape(document)
    assert all(document[name] for name in ("targets", "services", "objectives", "host"))
    service = document["services"][0]
    assert all(service[name] for name in (*stream_contract.SIGNALS, "saturation", "breakdown"))
    assert all(document["host"][name.removesuffix("[]")] for name in stream_contract.HOST_PARTS)


def test_a_host_of_which_nothing_is_known_has_the_keys_too() -> None:
    stream_contract.assert_host_shape(to_json(samples.snapshot(host=HostState()))["host"])


def test_the_keys_that_the_page_lists_are_read_from_it() -> None:
    assert {"schema", "interval_s", "window_s", "headroom_reason", "self"} <= stream_contract.TOP
    assert {"name", "url", "skipped_lines", "duplicates"} <= stream_contract.TARGET
    assert {"name", "targets", "signals", "breakdown"} <= stream_contract.SERVICE
    assert {"labels", "more", "rps"} == stream_contract.BREAKDOWN_REST
    assert stream_contract.HOST_PARTS["networks[]"] >= {"name", "drops_s"}
    assert {"name", "reason"} == stream_contract.FIRST_TO_SATURATE


@pytest.mark.parametrize("place", [(), ("host",), ("host", "cpu"), ("services", 0, "traffic")])
def test_a_key_that_is_not_in_the_contract_is_found(place: tuple[str | int, ...]) -> None:
    document = copy.deepcopy(to_json(samples.snapshot()))
    part = document
    for step in place:
        part = part[step]  # type: ignore[index]
    part["undeclared"] = 1
    with pytest.raises(AssertionError):
        stream_contract.assert_shape(document)
