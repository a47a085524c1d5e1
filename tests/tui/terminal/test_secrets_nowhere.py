"""Secrets are configured in every possible place, and searched for in all output of the program."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest
from terminal_session import TPUTTUI, Session

from tputtui import report
from tputtui.recording.export import FORMATS
from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedProfile

pytestmark = [pytest.mark.slow, pytest.mark.pty]

SECRETS = {
    name: f"canary-{name}-7f3a/+"
    for name in (
        "userinfo", "query", "header", "headerfile", "headerenv", "passwordfile", "tokenfile", "tokenenv",
        "argument", "plainquery", "barequery", "echoed", "redirected", "path", "username", "server", "note", "mark",
    )
}  # fmt: skip

PROFILED = "import time\nprint(flush=True)\nwhile True: time.sleep(0.01)\n"


class _Server:
    """Server that echoes the request.

    /ok/… answers with a counter labelled with the request, /401/… refuses; both keep the received
    headers. /echo/… quotes the request, /redirect/… leads there, /api/… refuses with a quotation.
    """

    def __init__(self) -> None:
        self.sent: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.sent.append(f"{self.path}\n{self.headers}")
                plain = unquote_plus(self.path)
                labels = (
                    f'asked="{self.path}",plain="{plain}",key="{self.headers.get("X-Key", "")}"'
                )
                text = f"# TYPE http_requests_total counter\nhttp_requests_total{{{labels}}} {len(outer.sent)}\n"
                if self.path.startswith("/echo"):
                    text = f"<html><title>no {plain}</title>{self.path} {self.headers}"
                elif self.path.startswith("/api"):
                    text = json.dumps(
                        {
                            "status": "error",
                            "error": f"forbidden: {self.path} {plain} {self.headers}",
                        }
                    )
                body = text.encode()
                place = self.path.split("/")[1]
                self.send_response({"401": 401, "redirect": 302, "api": 400}.get(place, 200))
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                if place == "redirect":
                    self.send_header(
                        "Location", f"/echo/x?ticket={quote(SECRETS['redirected'], safe='')}"
                    )
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server()
    yield server
    server.close()


@pytest.fixture
def profiled(attaching: None, tmp_path: Path) -> Iterator[int]:
    script = tmp_path / "profiled.py"
    script.write_text(PROFILED)
    argv = [sys.executable, str(script), "--password", SECRETS["argument"]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def planted(folder: Path, port: int) -> Path:
    """Write a config with a secret in each possible place.

    Each place occurs once for a target that answers and once for one that refuses.
    """
    for name in ("headerfile", "passwordfile", "tokenfile"):
        (folder / name).write_text(SECRETS[name] + "\n")
        (folder / name).chmod(0o600)
    ways = {
        "userinfo": f'url = "http://me:{quote(SECRETS["userinfo"], safe="")}@127.0.0.1:{port}/PATH/a"',
        "query": f'url = "http://127.0.0.1:{port}/PATH/b?token={quote(SECRETS["query"], safe="")}"',
        "header": f'url = ":{port}/PATH/c"\n[targets.headers]\nX-Key = "{SECRETS["header"]}"',
        "headerfile": f'url = ":{port}/PATH/d"\n[targets.headers_file]\nX-Key = "headerfile"',
        "headerenv": f'url = ":{port}/PATH/e"\n[targets.headers_env]\nX-Key = "CANARY_HEADER"',
        "passwordfile": f'url = ":{port}/PATH/f"\nusername = "me"\npassword_file = "passwordfile"',
        "tokenfile": f'url = ":{port}/PATH/g"\ntoken_file = "tokenfile"',
        "tokenenv": f'url = ":{port}/PATH/h"\ntoken_env = "CANARY_TOKEN"',
        "plainquery": f'url = "http://127.0.0.1:{port}/PATH/i?q={quote(SECRETS["plainquery"], safe="")}&module=x"',
        "barequery": f'url = "http://127.0.0.1:{port}/PATH/j?{quote(SECRETS["barequery"], safe="")}"',
        "path": f'url = "http://127.0.0.1:{port}/PATH/{quote(SECRETS["path"], safe="")}/m"\ntoken_env = "CANARY_PLACE"',
        "username": f'url = "http://{quote(SECRETS["username"], safe="")}@127.0.0.1:{port}/PATH/l"',
        "echoed": f'url = "http://127.0.0.1:{port}/echo/PATH?key={quote(SECRETS["echoed"], safe="")}"',
        "redirected": f'url = "http://127.0.0.1:{port}/redirect/PATH"',
    }
    config = folder / "config.toml"
    parts = [
        f'[[targets]]\nname = "{name}-{path}"\n{way.replace("PATH", path)}\n'
        for path in ("ok", "401")
        for name, way in ways.items()
    ]
    parts += [  # without names: names are derived from the addresses
        f'[[targets]]\nurl = "http://127.0.0.1:{port}/ok/1"\n',
        *(
            f"[[targets]]\n{ways[name].replace('PATH', 'ok/2')}\n"
            for name in ("query", "plainquery", "path")
        ),
        f'[[targets]]\nurl = "http://127.0.0.1:{port}/ok/2/b?token={quote(SECRETS["echoed"], safe="")}"\n',
        f'[[targets]]\nprometheus = "http://127.0.0.1:{port}/api/v1/query?key={quote(SECRETS["server"], safe="")}"\n',
    ]
    config.write_text("interval = '300ms'\n" + "".join(parts))
    config.chmod(0o600)
    return config


def spellings(secret: str) -> list[bytes]:
    """Return the forms of a secret: plain, in a URL, and within basic authorization."""
    pair = base64.b64encode(f"me:{secret}".encode()).decode().rstrip("=")
    alone = base64.b64encode(f"{secret}:".encode()).decode().rstrip("=")
    return [
        text.encode()
        for text in (secret, quote(secret, safe=""), quote(secret), pair[8:], alone[:-2])
    ]


def profiles_of(path: Path) -> list[RecordedProfile]:
    with Run(path) as run:
        return [item for item in run.items() if isinstance(item, RecordedProfile)]


def holds_none(where: str, content: bytes) -> None:
    for name, secret in SECRETS.items():
        assert not any(spelling in content for spelling in spellings(secret)), (
            f"{name} stands in {where}"
        )


def test_a_configured_secret_is_in_no_output_file_screen_or_command_line(
    server: _Server, profiled: int, tmp_path: Path
) -> None:
    secrets, output_folder = tmp_path / "secrets", tmp_path / "made"
    secrets.mkdir()
    output_folder.mkdir()
    config = planted(secrets, server.port)
    env = {
        name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")
    }
    env |= {
        "HOME": str(output_folder),
        "XDG_STATE_HOME": str(output_folder / "state"),
        "TERM": "xterm-256color",
    }
    env |= {"CANARY_HEADER": SECRETS["headerenv"], "CANARY_TOKEN": SECRETS["tokenenv"]}
    env["CANARY_PLACE"] = SECRETS["path"]

    def use(*arguments: str, codes: tuple[int, ...] = (0,)) -> None:
        argv = [sys.executable, "-m", "tputtui", *arguments]
        done = subprocess.run(
            argv, capture_output=True, check=False, timeout=60, env=env, cwd=output_folder
        )
        assert done.returncode in codes, done.stderr
        holds_none(f"what {arguments[0]} printed", done.stdout + done.stderr)

    named = ["--config", str(config)]
    use("config", "show", *named)
    use("check", *named, codes=(1,))  # half of the targets refuse
    use("stream", "-n", "2", *named)
    use("profile", str(profiled), "--for", "0.5s", "-o", "profile.json", *named)
    for suffix in ("txt", "svg"):
        use("view", "profile.json", "-o", f"viewed.{suffix}")
    use("record", "--for", "2s", "-o", "a.tput.gz", "--profile", f"{profiled}@1s", *named)
    note = ["--note", f"see http://h/?x={quote(SECRETS['note'], safe='')}"]
    note += ["--mark", f"deployed by me:{quote(SECRETS['mark'], safe='')}@host"]
    use("record", "--for", "2s", "-o", "all.tput.gz", "--all-metrics", *note, *named)
    for kind in FORMATS:
        use(
            "export",
            "all.tput.gz",
            "--format",
            kind,
            "-o",
            f"out.{kind}",
            *(["--service", "header-ok"] if FORMATS[kind].generate_service is not None else []),
        )
        assert (output_folder / f"out.{kind}").stat().st_size
    use("runs", str(output_folder))
    for kind in report.FORMATS:
        use(
            "compare",
            "all.tput.gz:header-ok",
            "a.tput.gz:header-ok",
            "--format",
            kind,
            "-o",
            f"compared.{kind}",
            codes=(0, 2, 10, 11, 12),
        )
        assert (output_folder / f"compared.{kind}").exists()
    use("replay", "a.tput.gz", "--stream")
    failing = (
        "import tputtui.engine.engine as e, tputtui.cli as c, sys\n"
        "def bad(self, *a): token = [t for t in self.settings.targets]; raise KeyError(repr(token))\n"
        "e.Engine.start = bad\n"
        "sys.exit(c.main(['stream', '-n', '1', *sys.argv[1:]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", failing, *named],
        capture_output=True,
        check=False,
        env=env,
        cwd=output_folder,
    )
    assert done.returncode == 1
    holds_none("the report of an error of ours", done.stdout + done.stderr)

    with Session([TPUTTUI, *named], environ=env) as session:
        session.wait_for("userinfo-ok")
        session.send("R")
        session.read(2.0)
        command_line = (
            Path(f"/proc/{session.pid}/cmdline").read_bytes()
            + Path(f"/proc/{session.pid}/comm").read_bytes()
        )
        session.send("R")
        session.read(1.0)
        session.send("q")
        session.wait_end()
        holds_none("the screen", bytes(session.raw))
        holds_none("the command line", command_line)

    files = [path for path in output_folder.rglob("*") if path.is_file()]
    assert len([path for path in files if path.name.endswith(".tput.gz")]) >= 2
    assert any(path.suffix == ".log" for path in files), "no traceback was written"
    assert profiles_of(output_folder / "a.tput.gz"), (
        "the run carries no profile: nothing is shown by what it has not"
    )
    for path in files:
        content = path.read_bytes()
        holds_none(path.name, content)
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(path) as opened:
                holds_none(path.name, opened.read())

    sent = "".join(server.sent).encode()
    unsent_by_design = ("argument", "note", "mark", "server")
    asked = {name: secret for name, secret in SECRETS.items() if name not in unsent_by_design}
    unsent = [
        name
        for name, secret in asked.items()
        if not any(spelling in sent for spelling in spellings(secret))
    ]
    assert not unsent, "these were not even sent: nothing is shown by their absence"


def test_errors_of_a_config_are_reported_without_its_secrets(tmp_path: Path) -> None:
    config = planted(tmp_path, 1)
    text = (
        config.read_text()
        .replace("X-Key =", "X Key =")
        .replace("/401/a", "/401/a:\\n")
        .replace("interval", "intervall")
    )
    config.write_text(
        text
        + f'[[targets]]\nurl = "ftp://me:{SECRETS["userinfo"]}@h"\npassword = "{SECRETS["header"]}"\n'
    )
    argv = [sys.executable, "-m", "tputtui", "stream", "--config", str(config)]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") >= 1
    holds_none("the refusal", done.stdout + done.stderr)


def test_a_secret_in_a_url_on_the_command_line_is_in_no_message(server: _Server) -> None:
    url = f"http://me:{quote(SECRETS['userinfo'], safe='')}@127.0.0.1:{server.port}/401/x"
    for verb in (["check"], ["stream", "-n", "1"]):
        argv = [sys.executable, "-m", "tputtui", *verb, url]
        done = subprocess.run(argv, capture_output=True, check=False, timeout=30)
        assert b"HTTP 401" in done.stdout
        holds_none(f"what {verb[0]} says", done.stdout + done.stderr)
