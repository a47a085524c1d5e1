"""Checks before an attach: reasons why py-spy would fail, each with the next step.

Nothing is run as root here. /proc is read first, then py-spy is tried: `py-spy dump --nonblocking`
takes about 10 ms and fails with the real cause, which `py-spy record` hides. The causes and
py-spy's messages were measured with py-spy 0.4.3.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tputtui.descriptors import reason
from tputtui.frozen import frozen
from tputtui.model.process_reference import START_TOLERANCE_S, ProcessReference
from tputtui.profiling.capture import launcher, process_facts
from tputtui.text import clean

TIMEOUT_S = 5.0
_PTRACE_SCOPES = {
    1: "only a process's ancestors may read it",
    2: "only an administrator may read another process",
    3: "disabled until the next boot",
}


@frozen
class AttachCheck:
    """Result of a check whether py-spy may attach.

    `reason` and `remedy` are sentences for the user; `command` is a complete command line for the
    user to run.
    """

    can_attach: bool
    reason: str = ""
    remedy: str = ""
    command: str = ""
    # Python processes below it that can be profiled instead
    python_children: tuple[tuple[ProcessReference, str], ...] = ()
    python_version: str | None = None
    notes: tuple[str, ...] = ()
    is_wrong_process: bool = False  # no permission would help: the process is gone or is not Python

    @property
    def message(self) -> str:
        """Reason and remedy in one line."""
        return "; ".join(part for part in (self.reason, self.remedy) if part)


class PySpyNotFoundError(Exception):
    """Error raised if no usable py-spy is found; it names the candidates and the next step."""


def find_py_spy() -> Path:
    """Find the absolute path of a py-spy of version 0.4 or later.

    The directory of our own Python is searched first, then PATH. The current directory and relative
    entries of PATH are never searched. Raises PySpyNotFoundError.
    """
    beside = Path(sys.prefix) / "bin" / "py-spy"
    entries = [
        entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry.startswith("/")
    ]
    on_path = shutil.which("py-spy", path=os.pathsep.join(entries)) if entries else None
    for path in (beside, Path(on_path) if on_path else None):
        if path is not None and launcher.is_executable(path):
            return _check_version(path, path.stat().st_mtime_ns)
    install = f"{sys.executable} -m pip install py-spy"
    if beside.is_file():
        raise PySpyNotFoundError(f"{beside} is not executable: chmod +x {beside}")
    raise PySpyNotFoundError(f"py-spy was not found in {beside.parent} nor on PATH: {install}")


@lru_cache(maxsize=8)
def _check_version(path: Path, mtime_ns: int) -> Path:  # noqa: ARG001 - a new file is asked again
    try:
        answer = launcher.run([str(path), "--version"], TIMEOUT_S)
    except OSError as error:
        raise PySpyNotFoundError(f"{path} does not start: {clean(reason(error), 100)}") from None
    match = re.match(r"py-spy (\d{1,4})\.(\d{1,4})", answer.stdout)
    if not match or answer.status != 0:
        output = clean((answer.stdout or answer.stderr).strip().partition("\n")[0], 60) or "nothing"
        raise PySpyNotFoundError(
            f"{path} is no py-spy we know: asked for its version, it said {output!r}"
        )
    if (int(match[1]), int(match[2])) < (0, 4):
        raise PySpyNotFoundError(
            f"{path} is py-spy {match[1]}.{match[2]}, 0.4 or later is needed: "
            f"{sys.executable} -m pip install -U py-spy"
        )
    return path


def root_command() -> str:
    """Command that starts this program as root; the path is absolute: sudo's PATH differs."""
    ours = Path(sys.prefix) / "bin" / "tputtui"
    return f"sudo {ours}" if ours.is_file() else f"sudo {sys.executable} -m tputtui"


def sudo_command(pid: int) -> str:
    """Complete command line for profiling a process as root."""
    return f"{root_command()} profile {pid}"


def check_process(
    process: ProcessReference,
    *,
    blocking: bool = False,
    root: Path = process_facts.PROC,
    uid: int | None = None,
) -> AttachCheck:
    """Check a process by /proc alone: takes a millisecond and does not touch the process."""
    pid = process.pid
    facts = process_facts.read_facts(pid, root) if pid > 0 else None
    if facts is None:
        return AttachCheck(
            False, f"PID {pid} is gone", "choose another process", is_wrong_process=True
        )
    label = f"PID {pid} ({facts.name})"
    if not process.matches(process_facts.reference(facts, root), START_TOLERANCE_S):
        reason = f"PID {pid} is another process now ({facts.name})"
        return AttachCheck(False, reason, "choose the process again", is_wrong_process=True)
    if facts.state in ("Z", "X"):
        reason = f"{label} has ended and waits for its parent (a zombie)"
        return AttachCheck(
            False, reason, f"its parent is PID {facts.parent_pid}", is_wrong_process=True
        )
    if facts.is_kernel_thread:
        return AttachCheck(
            False, f"{label} is a kernel thread", "choose a Python process", is_wrong_process=True
        )
    uid = os.geteuid() if uid is None else uid
    if not process_facts.has_ptrace_capability(root):
        refused = _check_permission(facts, label, uid, root)
        if refused is not None:
            return refused
    notes: list[str] = []
    if facts.tracer_pid:
        other = process_facts.read_facts(facts.tracer_pid, root)
        tracer = f"PID {facts.tracer_pid} ({other.name if other else 'unknown'})"
        if blocking:
            return AttachCheck(
                False,
                f"{label} is traced by {tracer}",
                "profile it without blocking, or end the tracer",
            )
        notes.append(f"traced by {tracer}")
    if facts.state in ("T", "t") and not facts.tracer_pid:
        if blocking:
            return AttachCheck(
                False,
                f"{label} is stopped (state T)",
                f"continue it: kill -CONT {pid}; or profile it without blocking",
            )
        notes.append("the process is stopped (state T): this is where it stands")
    if facts.namespace_pid is not None:
        notes.append("in a container: thread ids are the inner ones")
    return AttachCheck(
        True, python_version=process_facts.python_version(pid, root), notes=tuple(notes)
    )


def _check_permission(
    facts: process_facts.ProcessFacts, label: str, uid: int, root: Path
) -> AttachCheck | None:
    """Check permissions without CAP_SYS_PTRACE: another user's process, or Yama."""
    command = sudo_command(facts.pid)
    if facts.uid is not None and facts.uid != uid:
        return AttachCheck(
            False,
            f"{label} belongs to {_user_name(facts.uid)}, not to you",
            f"run: {command}",
            command,
        )
    scope = process_facts.ptrace_scope(root)
    if scope == 0:
        return None
    meaning = _PTRACE_SCOPES.get(scope, "reading other processes is restricted")
    reason = f"kernel.yama.ptrace_scope is {scope}: {meaning}"
    if scope == 1:
        return AttachCheck(
            False, reason, f"run: {command}; or: sudo sysctl -w kernel.yama.ptrace_scope=0", command
        )
    if scope == 2:
        return AttachCheck(False, reason, f"run: {command}", command)
    return AttachCheck(False, reason, "it can only be changed by booting with another setting")


def check(
    process: ProcessReference,
    *,
    blocking: bool = False,
    py_spy: Path | None = None,
    sudo: bool = False,
) -> AttachCheck:
    """Check a process by /proc, then by py-spy itself.

    Takes up to `TIMEOUT_S` seconds; call it from a worker thread.
    """
    verdict = check_process(process, blocking=blocking)
    if not verdict.can_attach and not (sudo and verdict.command):
        return verdict
    try:
        path = py_spy or find_py_spy()
        prefix = [shutil.which("sudo") or "/usr/bin/sudo", "-n"] if sudo else []
        answer = launcher.run(
            [*prefix, str(path), "dump", "-j", "--nonblocking", "-p", str(process.pid)], TIMEOUT_S
        )
    except PySpyNotFoundError as error:
        return AttachCheck(False, str(error))
    except OSError as error:
        return AttachCheck(False, f"py-spy does not start: {clean(reason(error), 100)}")
    if answer.status == 0:
        return replace(verdict, can_attach=True, reason="", remedy="", command="")
    return explain_failure(process.pid, answer)


def explain_failure(
    pid: int, answer: launcher.FinishedProcess, root: Path = process_facts.PROC
) -> AttachCheck:
    """Explain why py-spy failed, from its messages and the present state of /proc."""
    facts = process_facts.read_facts(pid, root)
    if facts is None or facts.state in ("Z", "X"):
        return AttachCheck(
            False,
            f"PID {pid} ended before py-spy could look",
            "choose another process",
            is_wrong_process=True,
        )
    label = f"PID {pid} ({facts.name})"
    if answer.status is None:
        if facts.state == "D":
            return AttachCheck(
                False,
                f"{label} is in uninterruptible sleep (state D): py-spy got no answer",
                "try again later",
            )
        return AttachCheck(
            False, f"py-spy gave no answer about {label} within {TIMEOUT_S:.0f} s", "try again"
        )
    stderr = answer.stderr
    if "find python version" in stderr or "No python processes" in stderr:
        return _explain_not_python(facts, label, root)
    if "python interpreter in the .data" in stderr or "Unsupported version" in stderr:
        return _explain_unknown_python(facts, label, stderr, root)
    if "Permission" in stderr or "EPERM" in stderr or "EACCES" in stderr:
        return _explain_not_permitted(facts, label, root)
    if "sudo:" in stderr:
        return AttachCheck(
            False, "sudo asks for a password", f"run: {sudo_command(pid)}", sudo_command(pid)
        )
    if "waitpid" in stderr:
        return AttachCheck(
            False,
            f"{label} is stopped (state T)",
            f"continue it: kill -CONT {pid}; or profile it without blocking",
        )
    first_line = next((line.strip() for line in stderr.splitlines() if line.strip()), "")
    cause = f": {clean(first_line, 160)}" if first_line else ""
    if answer.status < 0:
        status = f"ended by signal {-answer.status}"
    else:
        status = f"failed with status {answer.status}"
    return AttachCheck(False, f"py-spy {status} on {label}{cause}")


def _explain_not_python(facts: process_facts.ProcessFacts, label: str, root: Path) -> AttachCheck:
    ours = _own_pids(root)
    below = [
        child
        for child in process_facts.descendants(facts.pid, root)
        if child.pid not in ours and process_facts.python_version(child.pid, root) is not None
    ][:5]
    offered = tuple(
        (process_facts.reference(child, root), process_facts.display_name(child, root))
        for child in below
    )
    if not offered:
        return AttachCheck(
            False, f"{label} is not Python", "choose a Python process", is_wrong_process=True
        )
    listed = ", ".join(f"{child.pid} ({child.name})" for child in below)
    reason = f"{label} is not Python, but it started some that are"
    return AttachCheck(
        False, reason, f"profile {listed}", python_children=offered, is_wrong_process=True
    )


def _own_pids(root: Path) -> set[int]:
    """Pids of this process and its ancestors, such as a Python wrapper: never targets."""
    ours = {os.getpid()}
    above = process_facts.read_facts(os.getpid(), root)
    while above is not None and above.parent_pid > 1 and above.parent_pid not in ours:
        ours.add(above.parent_pid)
        above = process_facts.read_facts(above.parent_pid, root)
    return ours


def _explain_unknown_python(
    facts: process_facts.ProcessFacts, label: str, stderr: str, root: Path
) -> AttachCheck:
    version = re.search(r"Unsupported version of Python: ([\w.+]{1,20})", stderr)
    what = version[1] if version else process_facts.python_version(facts.pid, root) or "unknown"
    where = process_facts.executable_path(facts.pid, root) or "an unreadable path"
    if what.endswith("t"):
        return AttachCheck(
            False,
            f"{label} runs a free-threaded Python ({what}, {where}), which py-spy cannot read",
        )
    return AttachCheck(
        False,
        f"py-spy cannot read the Python of {label}: version {what} at {where}",
        "either that version is too new for it, or a stack is deeper than 4,096 frames: "
        "try again, or update py-spy",
    )


def _explain_not_permitted(
    facts: process_facts.ProcessFacts, label: str, root: Path
) -> AttachCheck:
    command = sudo_command(facts.pid)
    if os.geteuid() == 0 and not process_facts.has_ptrace_capability(root):
        return AttachCheck(
            False,
            f"you are root, but without CAP_SYS_PTRACE (a container), so {label} cannot be read",
            "start the container with --cap-add SYS_PTRACE, in Kubernetes with "
            'securityContext.capabilities.add: ["SYS_PTRACE"] or kubectl debug --profile=general',
        )
    if os.geteuid() == 0:
        return AttachCheck(
            False,
            f"the kernel does not let py-spy read {label}, not even as root",
            "a seccomp or LSM policy forbids it",
        )
    return AttachCheck(
        False,
        f"{label} is protected: the kernel does not let you read it",
        f"run: {command}",
        command,
    )


def _user_name(uid: int) -> str:
    import pwd

    try:
        return clean(pwd.getpwuid(uid).pw_name, 40)
    except KeyError:
        return f"user {uid}"
