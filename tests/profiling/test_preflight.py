"""Each cause of a refused capture is a sentence with its next step, on a synthetic /proc."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tputtui.model import ProcessReference
from tputtui.profiling.capture import preflight, process_facts
from tputtui.profiling.capture.launcher import FinishedProcess
from tputtui.text import clean

ME = 1000
BTIME = 1_700_000_000


class FakeProc:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "stat").write_text(f"cpu 1 2 3\nbtime {BTIME}\n")
        self.capabilities(0)

    def capabilities(self, effective: int) -> None:
        (self.root / "self").mkdir(exist_ok=True)
        (self.root / "self" / "status").write_text(f"Name:\tx\nCapEff:\t{effective:016x}\n")

    def yama(self, scope: int) -> None:
        path = self.root / "sys/kernel/yama"
        path.mkdir(parents=True)
        (path / "ptrace_scope").write_text(f"{scope}\n")

    def process(
        self,
        pid: int,
        name: str = "python3",
        state: str = "S",
        parent: int = 1,
        uid: int = ME,
        tracer: int = 0,
        flags: int = 0,
        inner: int | None = None,
        exe: str | None = "/usr/bin/python3.12",
        start: int = 5000,
    ) -> None:
        folder = self.root / str(pid)
        folder.mkdir()
        rest = [state, parent, 0, 0, 0, 0, flags, *[0] * 12, start, 0]
        (folder / "stat").write_text(f"{pid} ({name}) {' '.join(map(str, rest))}\n")
        ns = f"{pid}\t{inner}" if inner else str(pid)
        (folder / "status").write_text(
            f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nTracerPid:\t{tracer}\nThreads:\t3\nNSpid:\t{ns}\n"
        )
        (folder / "cmdline").write_bytes(f"{name}\0--flag\0".encode())
        (folder / "maps").write_text("")
        if exe:
            (folder / "exe").symlink_to(exe)


@pytest.fixture
def fake(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path)


def preflight_verdict(
    fake: FakeProc, pid: int = 50, started: float | None = None, *, blocking: bool = False
) -> preflight.AttachCheck:
    verdict = preflight.check_process(
        ProcessReference(pid, started), blocking=blocking, root=fake.root, uid=ME
    )
    assert verdict.message == clean(verdict.message)
    return verdict


def test_a_python_of_the_same_user_may_be_profiled(fake: FakeProc) -> None:
    fake.process(50)
    verdict = preflight_verdict(fake, started=BTIME + 5000 / os.sysconf("SC_CLK_TCK"))
    assert verdict.can_attach
    assert verdict.python_version == "3.12"
    assert verdict.message == ""


def test_a_gone_process_is_refused(fake: FakeProc) -> None:
    assert preflight_verdict(fake).message == "PID 50 is gone; choose another process"
    assert "gone" in preflight_verdict(fake, 0).message
    assert "gone" in preflight_verdict(fake, -1).message


def test_a_reused_pid_is_refused(fake: FakeProc) -> None:
    fake.process(50, name="vim")
    assert (
        "PID 50 is another process now (vim)"
        in preflight_verdict(fake, started=BTIME + 9999.0).message
    )


def test_a_zombie_and_a_kernel_thread_are_refused(fake: FakeProc) -> None:
    fake.process(50, state="Z", parent=40)
    fake.process(51, name="kworker/0:1", flags=0x00200000)
    assert "zombie" in preflight_verdict(fake).message
    assert "PID 40" in preflight_verdict(fake).message
    assert "kernel thread" in preflight_verdict(fake, 51).message


def test_a_process_of_another_user_is_refused_with_the_full_command(fake: FakeProc) -> None:
    fake.process(50, uid=0)
    verdict = preflight_verdict(fake)
    assert "belongs to root, not to you" in verdict.message
    assert verdict.command.startswith("sudo /")
    assert verdict.command.endswith("profile 50")
    assert verdict.command in verdict.message
    fake.capabilities(1 << 19)  # CAP_SYS_PTRACE
    assert preflight_verdict(fake).can_attach


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(1, "sysctl -w kernel.yama.ptrace_scope=0"), (2, "administrator"), (3, "next boot")],
)
def test_the_yama_scope_is_explained(scope: int, expected: str, fake: FakeProc) -> None:
    fake.process(50)
    fake.yama(scope)
    verdict = preflight_verdict(fake)
    assert not verdict.can_attach
    assert f"ptrace_scope is {scope}" in verdict.message
    assert expected in verdict.message
    assert bool(verdict.command) == (scope < 3)


def test_stopped_and_traced_processes_are_refused_for_a_blocking_capture_only(
    fake: FakeProc,
) -> None:
    fake.process(50, state="T")
    fake.process(60, name="gdb")
    fake.process(51, state="t", tracer=60)
    assert "this is where it stands" in preflight_verdict(fake).notes[0]
    assert "kill -CONT 50" in preflight_verdict(fake, blocking=True).message
    assert preflight_verdict(fake, 51).notes == ("traced by PID 60 (gdb)",)
    assert "is traced by PID 60 (gdb)" in preflight_verdict(fake, 51, blocking=True).message


def test_a_container_is_noted(fake: FakeProc) -> None:
    fake.process(50, inner=7)
    assert preflight_verdict(fake).notes == ("in a container: thread ids are the inner ones",)


def test_hostile_names_are_cleaned(fake: FakeProc) -> None:
    fake.process(50, name="a) \x1b[31mb", state="Z")
    assert "a) ␛[31mb" in preflight_verdict(fake).message


def explained(fake: FakeProc, stderr: str, status: int | None = 1) -> str:
    verdict = preflight.explain_failure(50, FinishedProcess(status, "", stderr), fake.root)
    assert not verdict.can_attach
    assert verdict.message == clean(verdict.message)
    return verdict.message


def test_not_python_offers_its_python_children(fake: FakeProc) -> None:
    fake.process(50, name="uv", exe="/usr/bin/uv")
    fake.process(51, name="sh", parent=50, exe="/bin/sh")
    fake.process(52, name="python3", parent=51)
    expected = "Error: Failed to find python version from target process"
    verdict = preflight.explain_failure(50, FinishedProcess(1, "", expected), fake.root)
    assert [(child.pid, name) for child, name in verdict.python_children] == [(52, "python3")]
    assert "profile 52 (python3)" in verdict.message


def test_tputtui_and_its_parents_are_never_offered(
    fake: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 53)
    fake.process(50, name="bash", exe="/bin/bash")
    fake.process(51, name="python3", parent=50)  # of another parent
    fake.process(52, name="uv", parent=50, exe="/usr/bin/python3.12")  # a wrapper of ours
    fake.process(53, name="python3", parent=52)  # tputtui itself
    verdict = preflight.explain_failure(
        50, FinishedProcess(1, "", "Failed to find python version"), fake.root
    )
    assert [(child.pid, name) for child, name in verdict.python_children] == [(51, "python3")]
    assert verdict.is_wrong_process


def test_only_a_fault_that_no_permission_would_help_is_the_wrong_process(fake: FakeProc) -> None:
    fake.process(50, uid=0)
    fake.process(51, state="Z")
    fake.process(52, flags=0x00200000)
    assert not preflight_verdict(fake, 50).is_wrong_process
    assert [preflight_verdict(fake, pid).is_wrong_process for pid in (51, 52, 99)] == [
        True,
        True,
        True,
    ]


def test_messages_of_py_spy_are_translated(fake: FakeProc) -> None:
    fake.process(50)
    fake.process(51, name="bash", exe="/bin/bash")
    assert "version 3.99.0 at /usr/bin/python3.12" in explained(
        fake, "Error: Unsupported version of Python: 3.99.0"
    )
    assert "free-threaded" in explained(fake, "Error: Unsupported version of Python: 3.14t")
    assert "4,096 frames" in explained(
        fake, "Error: Failed to find a python interpreter in the .data section"
    )
    assert "stopped" in explained(
        fake, "Error: Failed to suspend process\nunexpected waitpid result"
    )
    assert "said" not in explained(fake, "")
    assert (
        explained(fake, "Error: \x1b[31mnew\x1b[0m kind\nmore")
        == "py-spy failed with status 1 on PID 50 (python3): Error: ␛[31mnew␛[0m kind"
    )
    assert "ended by signal 9" in explained(fake, "", -9)
    assert "no answer" in explained(fake, "", None)
    verdict = preflight.explain_failure(
        51, FinishedProcess(1, "", "Failed to find python version"), fake.root
    )
    assert verdict.message == "PID 51 (bash) is not Python; choose a Python process"


def test_a_process_in_uninterruptible_sleep_is_explained(fake: FakeProc) -> None:
    fake.process(50, state="D")
    assert "uninterruptible sleep (state D)" in explained(fake, "", None)


def test_a_container_without_the_capability_is_explained(
    fake: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.process(50)
    message = "Error: Failed to get process executable name.\nCaused by: 0: Permission denied (os error 13)"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--cap-add SYS_PTRACE" in explained(fake, message)
    monkeypatch.setattr(os, "geteuid", lambda: ME)
    assert "run: sudo /" in explained(fake, message)


def test_a_py_spy_in_the_current_directory_is_never_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "py-spy"
    spy.write_text("#!/bin/sh\ntouch ran\n")
    spy.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{tmp_path.name}")
    with pytest.raises(preflight.PySpyNotFoundError, match="pip install py-spy"):
        preflight.find_py_spy()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("echo py-spy 0.3.14", "0.4 or later is needed"),
        ("printf 'evil \\033[2J'", "is no py-spy we know"),
        ("exit 7", "is no py-spy we know"),
    ],
)
def test_its_version_is_checked(
    body: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    spy = tmp_path / "bin" / "py-spy"
    spy.write_text(f"#!/bin/sh\n{body}\n")
    spy.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(preflight.PySpyNotFoundError, match=expected) as caught:
        preflight.find_py_spy()
    assert str(spy) in str(caught.value)
    assert str(caught.value) == clean(str(caught.value))


def test_a_py_spy_that_is_not_executable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "py-spy").write_text("")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(preflight.PySpyNotFoundError, match=r"not executable: chmod \+x /"):
        preflight.find_py_spy()


def test_the_facts_of_our_own_process_are_read() -> None:
    facts = process_facts.read_facts(os.getpid())
    assert facts is not None
    assert facts.state == "R"
    assert facts.parent_pid == os.getppid()
    assert (
        process_facts.python_version(os.getpid()) == f"{sys.version_info[0]}.{sys.version_info[1]}"
    )
