"""Resolution of :PORT to the process that serves it, on real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tputtui.cli import main
from tputtui.profiling.capture import process_lookup

SERVER = Path(__file__).resolve().parents[1] / "prefork_server.py"
PERL = (
    'use IO::Socket; $| = 1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 5) or die;'
    ' print $s->sockport, "\\n"; <STDIN>'
)


@contextlib.contextmanager
def server(workers: int, busy: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, str(SERVER), str(workers), str(busy)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
        assert child.stdin is not None
        child.stdin.close()


def test_the_idle_service_on_the_port_is_chosen_and_not_the_busy_one_on_another() -> None:
    with server(0, 0) as quiet, server(0, 1) as busy:
        assert process_lookup.find(f":{quiet['port']}").identity.pid == quiet["parent"]
        assert process_lookup.find(f":{busy['port']}").identity.pid == busy["parent"]


def test_of_forked_workers_the_busy_one_is_chosen_and_the_parent_is_reported_as_waiting() -> None:
    with server(3, 1) as service:
        reference = process_lookup.find(f":{service['port']}")
        assert reference.identity.pid == service["workers"][0]
        assert (
            reference.note
            == f"the busiest of 3 workers; their parent {service['parent']} only waits for them"
        )
        note = process_lookup.workers_hint(service["parent"])
        assert note.startswith(
            f"{service['parent']} only waits for its workers; the busiest is {reference.identity.pid}"
        )
        assert process_lookup.workers_hint(reference.identity.pid) == ""
        assert process_lookup.workers_hint(os.getpid()) == ""


def test_a_port_without_a_listener_is_one_sentence() -> None:
    with server(0, 1) as service:
        port = service["port"]
    with pytest.raises(process_lookup.ProcessNotFoundError, match=f"no process listens on :{port}"):
        process_lookup.find(f":{port}")


@pytest.mark.skipif(
    shutil.which("perl") is None, reason="a listener that is not Python is written in perl"
)
def test_a_listener_that_is_not_python_is_named_and_no_other_process_is_chosen() -> None:
    with subprocess.Popen(
        ["perl", "-e", PERL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        port = int(child.stdout.readline())
        with pytest.raises(
            process_lookup.ProcessNotFoundError,
            match=f"{child.pid} perl listens on :{port} and is not Python",
        ):
            process_lookup.find(f":{port}")
        child.stdin.close()


def test_a_hidden_process_is_distinguished_from_an_absent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hidden = os.getppid()
    real = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: path != f"/proc/{hidden}" and real(path))
    reason = process_lookup.missing_process_reason(hidden)
    assert "this user may not see it (/proc is mounted with hidepid)" in reason
    assert reason.endswith(f"profile {hidden}")
    assert process_lookup.missing_process_reason(999999999) == "there is no process 999999999"
    assert process_lookup.missing_process_reason(10**17) == f"there is no process {10**17}"


def test_profile_accepts_a_port_and_names_its_process(
    attaching: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.json"
    with server(2, 1) as service:
        code = main(["profile", f":{service['port']}", "--for", "1s", "-o", str(path)])
    output = capsys.readouterr().err
    assert code == 0
    assert (
        f":{service['port']} is served by {service['workers'][0]} prefork_server.py, the busiest of 2 workers"
        in output
    )
    assert path.is_file()
    assert main(["profile", f":{service['port']}", "-o", str(tmp_path / "q.json")]) == 2
    assert "no process listens on" in capsys.readouterr().err
