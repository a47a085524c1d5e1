"""Own code is the program that the process was started to run, wherever it is installed.

Only its names are kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tputtui.model import ProcessReference
from tputtui.profiling.analysis import activity, insights, own_code
from tputtui.profiling.analysis.code_origin import origin
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.capture import entry_point
from tputtui.profiling.capture.capture import Capture
from tputtui.profiling.files import file_formats
from tputtui.profiling.profile_model import Function, Profile
from tputtui.views.profile.profile_analysis import ProfileAnalysis

ProfileFactory = Callable[..., Profile]
PY = "/usr/lib/python3.12"
SITE = "/v/lib/python3.12/site-packages"
SECRET = "hunter2canary"
P = "/v/bin/python3.12"


@pytest.mark.parametrize(
    ("command_line", "names"),
    [
        (f"{P} -m shop serve --password {SECRET}", ["shop"]),
        (f"{P} -um shop.api", ["shop"]),
        (f"{P} -X dev -W ignore -m shop", ["shop"]),
        (f"{P} /v/bin/uvicorn shop:app --host 0.0.0.0", ["shop"]),
        (f"{P} /v/bin/uvicorn --reload --port 80 shop.asgi:create()", ["shop"]),
        (f"{P} -m uvicorn --factory shop.asgi:create", ["shop"]),
        ("/v/bin/uvicorn shop:app", ["shop"]),
        (f"{P} /v/bin/gunicorn -w 4 -b unix:run.sock shop.wsgi:app", ["shop"]),
        (f"{P} /v/bin/gunicorn -w 4 -k uvicorn.workers.UvicornWorker shop.wsgi", ["shop"]),
        (f"{P} /v/bin/gunicorn shop.wsgi:app -b 0.0.0.0:80", ["shop"]),
        ("gunicorn: worker [shop.wsgi:app]", ["shop"]),
        ("gunicorn: master [shop.wsgi:app]", ["shop"]),
        (f"{P} /v/bin/hypercorn -b :80 shop:app", ["shop"]),
        (f"{P} /v/bin/daphne -p 80 shop.asgi:application", ["shop"]),
        (f"{P} /v/bin/granian --interface asgi shop.asgi:app", ["shop"]),
        (f"{P} /v/bin/celery -A shop.tasks worker -c 4", ["shop"]),
        (f"{P} -m celery --app=shop.tasks:app worker", ["shop"]),
        ("[celeryd: celery@host:MainProcess] -active- (-A shop worker -l info)", ["shop"]),
        (f"{P} /v/bin/flask --app shop run", ["shop"]),
        (f"{P} /v/bin/dramatiq shop.actors -p 2", ["shop"]),
        (f"{P} /v/bin/waitress-serve --port=80 shop:app", ["shop"]),
        ("/usr/bin/uwsgi --http :80 --module shop.wsgi:app", ["shop"]),
        (f"{P} -m coverage run -m shop", ["shop"]),
        (f"{P} -m debugpy --listen 5678 -m uvicorn shop:app", ["shop"]),
        (f"{P} /v/bin/ddtrace-run /v/bin/gunicorn shop:app", ["shop"]),
        (f"{P} {SITE}/shop/main.py --token {SECRET}", ["shop"]),
        (
            f"{P} /srv/app/main.py",
            [],
        ),  # a file outside of site-packages is own code by its location
        (f"{P} -m http.server", []),
        (f"{P} -m pytest tests", []),
        (f"{P} /v/bin/uvicorn redis:app", []),  # a known client is never own code by itself
        (f"{P} -c print()", []),
        ("/usr/bin/postgres -D /data", []),
        ("", []),
    ],
)
def test_the_command_line_names_the_package(command_line: str, names: list[str]) -> None:
    parsed = entry_point.parse_command_line(command_line.split())
    assert list(parsed.packages) == names
    assert SECRET not in repr(parsed.packages)


def test_the_package_of_a_multiprocessing_worker_comes_from_its_parent() -> None:
    spawned = [
        P,
        "-c",
        "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=7)",
        "--multiprocessing-fork",
    ]
    assert entry_point.parse_command_line(spawned).is_child
    assert entry_point.parse_command_line(["[celeryd: celery@host:ForkPoolWorker-1]"]).is_child
    assert not entry_point.parse_command_line([P, "-m", "shop"]).is_child


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "#!/v/bin/python\nimport sys\nfrom shop.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n",
            ("shop",),
        ),
        (
            "#!/bin/sh\n'''exec' /long/python \"$0\" \"$@\"\n' '''\nimport re\nimport sys\nfrom shop import run\n",
            ("shop",),
        ),
        (
            "# EASY-INSTALL\nfrom importlib.metadata import x\nload_entry_point('my-shop', 'console_scripts', 'shopd')()\n",
            ("my_shop",),
        ),
        ("import os\nprint(os.getpid())\n", ("shopd",)),  # a separate program
    ],
)
def test_a_console_script_names_its_package(text: str, names: tuple[str, ...]) -> None:
    assert entry_point.packages_from_script(text, "shopd") == names


@pytest.mark.parametrize(
    ("file", "own", "expected"),
    [
        (f"{SITE}/shop/views.py", ("shop",), "yours"),
        (f"{SITE}/shop.py", ("shop",), "yours"),
        (f"{SITE}/shop/_fast.cpython-312-x86_64-linux-gnu.so", ("shop",), "yours"),
        ("/usr/lib/python3/dist-packages/shop/views.py", ("shop",), "yours"),
        (f"{SITE}/acme/shop/views.py", ("acme.shop",), "yours"),
        (f"{SITE}/acme/other/views.py", ("acme.shop",), "library"),
        (f"{SITE}/shopkit/views.py", ("shop",), "library"),
        (f"{SITE}/redis/client.py", ("shop",), "library"),
        (f"{PY}/shop/views.py", ("shop",), "stdlib"),
        (f"{SITE}/vendor/x.py", ("/vendor/",), "yours"),
        (
            "/srv/lib/python/shop/views.py",
            (),
            "yours",
        ),  # not an interpreter's folder: it has no version
        ("threading.py", (), "stdlib"),  # py-spy's short names
        ("concurrent/futures/thread.py", (), "stdlib"),
        ("shop/threading.py", (), "yours"),
    ],
)
def test_an_installed_file_is_own_code_or_library(
    file: str, own: tuple[str, ...], expected: str
) -> None:
    assert origin(file, frozenset(own)) == expected


def test_the_launcher_of_a_console_script_is_not_own_code_but_its_program_is() -> None:
    assert not CategoryTable().is_own_code(Function("<module>", "/v/bin/uvicorn"))
    assert CategoryTable(own_packages=frozenset(("shopd",))).is_own_code(
        Function("<module>", "/usr/local/bin/shopd")
    )
    assert CategoryTable().is_own_code(Function("main", "/usr/local/bin/shopd"))
    assert CategoryTable().is_own_code(Function("<module>", "/srv/app/main.py"))


def test_the_user_s_table_adds_own_code() -> None:
    table = activity.build_table({"your code": ("helpers",), "framework": ("base",)}, ("shop",))
    assert table.is_own_code(Function("f", f"{SITE}/helpers/x.py"))
    assert table.is_own_code(Function("f", f"{SITE}/shop/x.py"))
    assert not table.is_own_code(Function("f", "/srv/base/x.py"))


# ------------------------------------------------------------------------------- installed packages


def install(site: Path, name: str, url: dict[str, object] | None, *files: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text(
        "".join(
            f"{file},sha256=x,1\n" for file in (*files, f"{info.name}/RECORD", "../../../bin/run")
        )
    )
    if url is not None:
        (info / "direct_url.json").write_text(json.dumps(url))


def names_in(site: Path) -> set[str]:
    return set(own_code.local_packages(str(site), os.getpid()))


def test_packages_installed_from_a_folder_or_a_repository_are_own_code(tmp_path: Path) -> None:
    install(
        tmp_path,
        "shop",
        {"url": "file:///srv/shop", "dir_info": {}},
        "shop/__init__.py",
        "shop_cli.py",
    )
    install(
        tmp_path,
        "acme",
        {"url": f"https://u:{SECRET}@git/x", "vcs_info": {"vcs": "git"}},
        "acme/x.py",
    )
    install(
        tmp_path,
        "wheel_of_ours",
        {"url": "file:///dist/w.whl", "archive_info": {}},
        "ours/__init__.py",
    )
    install(
        tmp_path,
        "editable",
        {"url": "file:///srv/e", "dir_info": {"editable": True}},
        "__editable___e_finder.py",
    )
    install(tmp_path, "requests", None, "requests/api.py")
    install(
        tmp_path, "fork", {"url": "https://git/redis", "vcs_info": {}}, "redis/client.py"
    )  # still a client
    assert names_in(tmp_path) == {"shop", "shop_cli", "acme", "ours"}


def test_a_wheelhouse_is_not_own_code(tmp_path: Path) -> None:
    for name in "abcdefgh":
        install(
            tmp_path,
            f"lib{name}",
            {"url": f"file:///wheels/{name}.whl", "archive_info": {}},
            f"lib{name}/x.py",
        )
    install(tmp_path, "shop", {"url": "file:///srv/shop", "dir_info": {}}, "shop/x.py")
    assert names_in(tmp_path) == {"shop"}


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"dir_info": 3}', '{"url": 3}'])
def test_a_broken_direct_url_names_nothing(text: str, tmp_path: Path) -> None:
    install(tmp_path, "shop", None, "shop/x.py")
    (tmp_path / "shop-1.0.dist-info" / "direct_url.json").write_text(text)
    assert names_in(tmp_path) == set()
    assert own_code.local_packages(str(tmp_path / "gone"), os.getpid()) == ()


# ----------------------------------------------------------------------------------------- profiles


def test_a_profile_carries_the_package_names_and_nothing_else_of_the_command_line(
    profile_of: ProfileFactory, tmp_path: Path
) -> None:
    profile = profile_of(f"run@{SITE}/uvicorn/server.py;load@{SITE}/shop/views.py 5")
    profile = replace(profile, metadata=replace(profile.metadata, own=("shop",)))
    file_formats.save(profile, tmp_path / "p.json")
    again = file_formats.load(tmp_path / "p.json")
    assert again.metadata.own == ("shop",)
    assert (
        activity.category_shares(
            select_stacks(again), own_code.profile_table(again, CategoryTable())
        )["your code"]
        == 1.0
    )
    document = json.loads((tmp_path / "p.json").read_text())
    document["tputtui"]["about"]["own"] = ["shop", 3, "a b", "x" * 100, "\x1b[31m"]
    assert file_formats.parse(json.dumps(document).encode()).metadata.own == ("shop",)


def test_a_py_spy_file_with_command_lines_gives_only_the_names() -> None:
    command = f'process 7:"/v/bin/python /v/bin/uvicorn shop:app --token {SECRET}"'
    stack = [command, "thread (7): MainThread", f"load ({SITE}/shop/views.py:3)"]
    collapsed = f"{';'.join(stack)} 5\n".encode()
    frames = [{"name": command}, {"name": "load", "file": f"{SITE}/shop/views.py", "line": 3}]
    speedscope = {
        "$schema": "x", "exporter": "py-spy@0.4.3", "shared": {"frames": frames},
        "profiles": [{"type": "sampled", "name": 'Process 7 Thread 7 ""', "unit": "seconds", "samples": [[0, 1]], "weights": [0.01]}],
    }  # fmt: skip
    for data in (collapsed, json.dumps(speedscope).encode()):
        profile = file_formats.parse(data)
        assert profile.metadata.own == ("shop",)
        assert ProfileAnalysis(profile).category_shares["your code"] == 1.0
        assert SECRET.encode() not in file_formats.render(profile, Path("x.json"))


@pytest.mark.parametrize(
    "stack",
    [
        f"_run_module_as_main@<frozen_runpy>;<module>@{SITE}/shop/__main__.py;main@{SITE}/click/core.py;serve@{SITE}/shop/cli.py",
        f"<module>@/v/bin/shopd;Command.main@{SITE}/click/core.py;serve@{SITE}/shop/cli.py",
    ],
)
def test_the_frames_of_a_foreign_profile_identify_the_program(
    stack: str, profile_of: ProfileFactory
) -> None:
    profile = profile_of(f"{stack} 5")
    assert set(own_code.profile_packages(profile)) == {"shop"}
    assert ProfileAnalysis(profile).category_shares["your code"] == 1.0


def test_the_name_of_an_older_capture_identifies_the_program(profile_of: ProfileFactory) -> None:
    profile = profile_of(f"load@{SITE}/shop/views.py 5")
    for name, expected in (
        ("uvicorn shop:app", ("shop",)),
        ("gunicorn: worker", ()),
        ("app.py", ()),
        ("", ()),
    ):
        assert (
            own_code.profile_packages(
                replace(profile, metadata=replace(profile.metadata, name=name))
            )
            == expected
        )


def test_without_samples_in_own_code_nothing_is_folded_and_that_is_reported(
    profile_of: ProfileFactory,
) -> None:
    profile = profile_of(
        f"<module>@/v/bin/uvicorn;run@{SITE}/uvicorn/server.py;load@{SITE}/shop/views.py;get@{SITE}/redis/client.py 5"
    )
    study = ProfileAnalysis(profile)
    assert not study.has_own_code
    assert 'own = ["package"] in the config' in study.missing_own_code
    folded = study.with_filters(replace(study.filters, own_code_only=True))
    assert len(folded.tree) == len(study.tree)
    assert folded.listed_stacks == study.stacks
    known = ProfileAnalysis(profile, table=CategoryTable(own_packages=frozenset(("shop",))))
    assert known.missing_own_code == ""
    assert len(known.with_filters(replace(known.filters, own_code_only=True)).tree) < len(
        known.tree
    )
    idle = ProfileAnalysis(
        profile_of(f"<module>@/v/bin/uvicorn;run@{SITE}/uvicorn/server.py 5"),
        table=CategoryTable(own_packages=frozenset(("shop",))),
    )
    assert idle.missing_own_code == "No sample is in your own code (shop)."


# ----------------------------------------------------------------------------------- a real process

SERVICE = """
import threading, time
from aiosqlite.core import connect
def serve():
    connect()
    print("ready", flush=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        get_item()
def get_item():
    end = time.perf_counter() + 0.005
    while time.perf_counter() < end:
        pass
    time.sleep(0.02)
"""
CLIENT = """
import queue, threading
def _connection_worker_thread(tx):
    while True:
        tx.get()()
def connect():
    tx = queue.SimpleQueue()
    threading.Thread(target=_connection_worker_thread, args=(tx,), daemon=True).start()
    return tx
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Create a service installed beside its client library, started by its console script."""
    site, scripts = tmp_path / "lib" / "python3.12" / "site-packages", tmp_path / "bin"
    for name, text in (
        ("shop/__init__.py", ""),
        ("shop/cli.py", SERVICE),
        ("aiosqlite/__init__.py", ""),
        ("aiosqlite/core.py", CLIENT),
    ):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    install(site, "helpers", {"url": "file:///srv/helpers", "dir_info": {}}, "helpers/__init__.py")
    scripts.mkdir()
    script = scripts / "shopd"
    script.write_text(
        "import sys\nfrom shop.cli import serve\nif __name__ == '__main__':\n    sys.exit(serve())\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script), "--password", SECRET],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process, site
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="py-spy is driven by way of /proc")
@pytest.mark.usefixtures("attaching")
def test_an_installed_service_is_own_code_and_its_idle_client_has_no_insight(
    service: tuple[subprocess.Popen[bytes], Path], tmp_path: Path
) -> None:
    process, _ = service
    assert own_code.process_packages(process.pid) == ("shop",)
    capture = Capture(ProcessReference(process.pid), 3)
    capture.start()
    assert capture.wait(40)
    assert capture.profile is not None, capture.message
    assert capture.profile.metadata.own == ("shop", "helpers")
    study = ProfileAnalysis(capture.profile)
    assert study.has_own_code
    assert study.category_shares["idle"] == pytest.approx(0.5, abs=0.1)  # one of two threads
    assert study.category_shares["database"] < 0.02
    assert {
        insight.rule for insight in insights.profile_insights(study.all_stacks, study.table)
    } <= {
        "gil",
        "cpu-bound",
        "starved",
    }
    file_formats.save(capture.profile, tmp_path / "p.json")
    assert SECRET not in (tmp_path / "p.json").read_text()


def test_a_process_that_is_gone_or_not_python_names_nothing(tmp_path: Path) -> None:
    assert own_code.process_packages(2**22 + 1) == ()
    assert own_code.process_packages(1, tmp_path) == ()
