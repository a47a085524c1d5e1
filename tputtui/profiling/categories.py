"""What kind of code a function is: yours, a framework, a database client, an outbound call, waiting, other.

One table by module, which the user extends; the rest follows from where the file lies. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from tputtui.frozen import frozen
from tputtui.profiling.profile import ASLEEP, INCOMPLETE, Func

if TYPE_CHECKING:
    from tputtui.profiling.stacks import Stacks

Category = Literal["framework", "your code", "database", "outbound", "waiting", "other"]
CATEGORIES: tuple[Category, ...] = ("framework", "your code", "database", "outbound", "waiting", "other")
Origin = Literal["yours", "library", "stdlib", "import", "native", "pseudo"]

_STDLIB = re.compile(
    r"(?:^|/)(?:lib(?:64)?/(?:python|pypy)3?[\d.]*t?|Python\.framework/Versions/[\d.]+/lib/python[\d.]+)/"
)
_PACKAGES = re.compile(r"(?:site|dist)-packages/(.+)$")
_NATIVE = re.compile(r"\.(?:so|dylib|dll)(?:[.\d]*)$|\.(?:c|cc|cpp|h|hpp|rs|pyx)$")

TABLE: Mapping[str, Category] = {
    **dict.fromkeys(
        (
            "django", "flask", "werkzeug", "jinja2", "fastapi", "starlette", "uvicorn", "hypercorn", "gunicorn", "uvloop",
            "aiohttp.web", "aiohttp.web_protocol", "aiohttp.web_app", "tornado", "sanic", "falcon", "bottle", "pyramid",
            "waitress", "cherrypy", "celery", "kombu", "rq", "dramatiq", "rest_framework", "pydantic", "pydantic_core",
            "marshmallow", "litestar", "quart", "channels", "daphne", "asgiref", "granian", "grpc.aio", "anyio", "trio",
        ),
        "framework",
    ),
    **dict.fromkeys(
        (
            "psycopg", "psycopg2", "psycopg_pool", "asyncpg", "pymysql", "MySQLdb", "aiomysql", "mysql", "sqlite3",
            "aiosqlite", "sqlalchemy", "django.db", "peewee", "tortoise", "pymongo", "motor", "redis", "aioredis",
            "aiopg", "cassandra", "pyodbc", "oracledb", "cx_Oracle", "pymemcache", "elasticsearch", "clickhouse_driver",
            "clickhouse_connect", "duckdb", "pymssql", "neo4j", "sqlmodel", "psycopg_c", "psycopg_binary", "valkey",
        ),
        "database",
    ),
    **dict.fromkeys(
        (
            "requests", "urllib3", "httpx", "httpcore", "aiohttp.client", "aiohttp.connector", "aiohttp.client_reqrep",
            "http.client", "urllib.request", "botocore", "boto3", "aiobotocore", "grpc", "zeep", "paramiko", "smtplib",
            "ftplib", "google.cloud", "google.api_core", "azure", "openai", "anthropic", "stripe", "pika", "aio_pika",
            "kafka", "aiokafka", "confluent_kafka", "websockets", "nats",
        ),
        "outbound",
    ),
}  # fmt: skip
"""Module prefixes, most specific wins."""

_WAITS: Mapping[str, frozenset[str]] = {
    "threading": frozenset(("wait", "acquire", "join", "_wait_for_tstate_lock", "__enter__")),
    "queue": frozenset(("get", "put", "join")),
    "selectors": frozenset(("select", "_select")),
    "socket": frozenset(("accept", "readinto", "recv_into", "create_connection", "connect")),
    "ssl": frozenset(("read", "recv", "recv_into", "do_handshake")),
    "subprocess": frozenset(("wait", "_wait", "_try_wait", "communicate", "_communicate")),
    "concurrent.futures._base": frozenset(("result", "wait")),
    "concurrent.futures.thread": frozenset(("_worker",)),
    "multiprocessing.connection": frozenset(("wait", "_poll", "_recv", "_recv_bytes")),
    "multiprocessing.popen_fork": frozenset(("poll", "wait")),
    "multiprocessing.synchronize": frozenset(("acquire", "__enter__", "wait")),
    "signal": frozenset(("pause", "sigwait")),
    "socketserver": frozenset(("serve_forever",)),
}


@lru_cache(maxsize=65536)
def origin(file: str) -> Origin:
    """Whose code a file is, by where it lies."""
    if not file:
        return "pseudo"
    if file.startswith("<frozen "):
        return "import" if "importlib" in file or "zipimport" in file else "stdlib"
    if _PACKAGES.search(file):
        return "library"
    if _NATIVE.search(file):
        return "native"
    if _STDLIB.search(file):
        return "import" if "/importlib/" in file else "stdlib"
    return "yours"


@lru_cache(maxsize=65536)
def module(file: str) -> str:
    """The dotted module of a file, as far as its path tells: "django.db.models.query", "threading", "shop.rank"."""
    found = _PACKAGES.search(file)
    if found is not None:
        path = found.group(1)
    elif (stdlib := _STDLIB.search(file)) is not None:
        path = file[stdlib.end() :].removeprefix("lib-dynload/")
    elif file.startswith("<frozen "):
        path = file[8:].rstrip(">")
    else:
        path = "/".join(file.split("/")[-2:])
    return (
        re.sub(r"\.(?:cpython[^/]*|abi3)?\.?(?:py|so|pyx)$", "", path)
        .removesuffix("/__init__")
        .replace("/", ".")
        .strip(".")
    )


@lru_cache(maxsize=65536)
def waits(func: Func) -> bool:
    """Is it one of the standard library's functions in which a thread sleeps, or a sleep in C? Bare names and qualified."""
    if func.name == ASLEEP and not func.file:
        return True
    if origin(func.file) not in ("stdlib", "import"):
        return False
    names = _WAITS.get(module(func.file))
    return names is not None and func.name.rpartition(".")[2] in names


@frozen
class Table:
    """The table in force: the shipped one under the user's. Keys are module prefixes or path fragments with a ``/``."""

    user: Mapping[str, Category] = field(default_factory=dict)

    def known(self, func: Func) -> Category | None:
        """What the tables say of a function; None where they say nothing."""
        for fragment, category in self.user.items():
            if "/" in fragment and fragment in func.file:
                return category
        name = module(func.file)
        inside = origin(func.file) in ("library", "stdlib")
        while name:
            if (mine := self.user.get(name)) is not None:
                return mine
            if inside and (shipped := TABLE.get(name)) is not None:
                return shipped
            name = name.rpartition(".")[0]
        return None

    def of(self, func: Func) -> Category:
        """The category of one function by itself."""
        known = self.known(func)
        if known is not None:
            return known
        if waits(func):
            return "waiting"
        return "your code" if origin(func.file) == "yours" else "other"


def table(modules: Mapping[str, Iterable[str]]) -> Table:
    """The user's table, from modules by category as the config has them. Names that are no category are passed over."""
    known = {category: category for category in CATEGORIES}
    return Table({one: known[name] for name, listed in modules.items() if name in known for one in listed})


def mine(func: Func) -> bool:
    """Is it the user's own code? Torn stacks count as such: they must not vanish."""
    return origin(func.file) == "yours" or func.name == INCOMPLETE


def summary(stacks: Stacks, table: Table | None = None) -> dict[Category, float]:
    """The shares of the categories: the request's life cycle in one line.

    A stack belongs to the database or outbound client that its innermost own code called; else to waiting, where its
    leaf waits; else to its innermost frame that is not the standard library.
    """
    table = table or Table()
    funcs = stacks.frames.funcs
    known = [table.known(func) for func in funcs]
    yours = [origin(func.file) == "yours" for func in funcs]
    waiting = [waits(func) for func in funcs]
    owner = stacks.frames.func_ids()
    weights: dict[Category, float] = dict.fromkeys(CATEGORIES, 0.0)
    for stack, weight in zip(stacks.stacks, stacks.wall, strict=True):
        weights[_category([owner[frame] for frame in stack], known, yours, waiting)] += weight
    whole = stacks.weight or 1.0
    return {category: weight / whole for category, weight in weights.items()}


def _category(path: list[int], known: list[Category | None], yours: list[bool], waiting: list[bool]) -> Category:
    innermost: Category | None = None
    for func in reversed(path):
        category = known[func]
        if category in ("database", "outbound", "waiting"):
            return category
        if innermost is None:
            innermost = category or ("your code" if yours[func] else None)
        if yours[func] or category is not None:
            break
    if path and waiting[path[-1]]:
        return "waiting"
    return innermost or "other"
