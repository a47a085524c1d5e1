"""Self usage: our own CPU time and that of helper processes, as it is spent."""

from __future__ import annotations

import subprocess
import sys
import time

from tputtui.host.self_usage import SelfUsage, track_child

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(flush=True)\ninput()"


def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_a_helper_process_counts_while_it_runs_and_adds_nothing_when_it_ends() -> None:
    cost = SelfUsage()
    before, own = cost.read(), time.process_time()
    with child() as helper:
        track_child(helper.pid)
        assert helper.stdout is not None
        helper.stdout.readline()
        running = cost.read()
        assert running - before - (time.process_time() - own) >= 0.25
        helper.communicate(b"\n")
    own_at_end = time.process_time() - own
    assert cost.read() - before <= running - before + own_at_end + 0.1
    assert cost.read() >= running


def test_another_child_does_not_count_when_it_ends() -> None:
    cost = SelfUsage()
    before, own = cost.read(), time.process_time()
    with child() as watched:
        watched.communicate(b"\n")
    assert cost.read() - before <= time.process_time() - own + 0.1
