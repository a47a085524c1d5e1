"""Table of work categories by module: shipped, the user's, and own packages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.analysis.code_origin import module_name, origin, script_name
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.profile_model import INCOMPLETE, Function

Category = Literal["framework", "your code", "database", "outbound", "waiting", "other"]
CATEGORIES: tuple[Category, ...] = (
    "framework",
    "your code",
    "database",
    "outbound",
    "waiting",
    "other",
)

MODULE_CATEGORIES: Mapping[str, Category] = {
    **dict.fromkeys(
        (
            "django", "flask", "werkzeug", "jinja2", "fastapi", "starlette", "uvicorn",
            "hypercorn", "gunicorn", "uvloop", "aiohttp.web", "aiohttp.web_protocol",
            "aiohttp.web_app", "tornado", "sanic", "falcon", "bottle", "pyramid", "waitress",
            "cherrypy", "celery", "kombu", "rq", "dramatiq", "rest_framework", "pydantic",
            "pydantic_core", "marshmallow", "litestar", "quart", "channels", "daphne", "asgiref",
            "granian", "grpc.aio", "anyio", "trio",
        ),
        "framework",
    ),
    **dict.fromkeys(
        (
            "psycopg", "psycopg2", "psycopg_pool", "asyncpg", "pymysql", "MySQLdb", "aiomysql",
            "mysql", "sqlite3", "aiosqlite", "sqlalchemy", "django.db", "peewee", "tortoise",
            "pymongo", "motor", "redis", "aioredis", "aiopg", "cassandra", "pyodbc", "oracledb",
            "cx_Oracle", "pymemcache", "elasticsearch", "clickhouse_driver",
            "clickhouse_connect", "duckdb", "pymssql", "neo4j", "sqlmodel", "psycopg_c",
            "psycopg_binary", "valkey",
        ),
        "database",
    ),
    **dict.fromkeys(
        (
            "requests", "urllib3", "httpx", "httpcore", "aiohttp.client", "aiohttp.connector",
            "aiohttp.client_reqrep", "http.client", "urllib.request", "botocore", "boto3",
            "aiobotocore", "grpc", "zeep", "paramiko", "smtplib", "ftplib", "google.cloud",
            "google.api_core", "azure", "openai", "anthropic", "stripe", "pika", "aio_pika",
            "kafka", "aiokafka", "confluent_kafka", "websockets", "nats",
        ),
        "outbound",
    ),
}  # fmt: skip
"""Categories by module prefix; the longest matching prefix applies."""


@frozen
class CategoryTable:
    """Category table in force: the user's entries override the shipped ones.

    Keys are module prefixes, or path fragments with a ``/``.
    """

    user_categories: Mapping[str, Category] = field(default_factory=dict)
    # packages of own code, including those installed next to libraries
    own_packages: frozenset[str] = frozenset()

    def listed_category(self, func: Function) -> Category | None:
        """Look up a function in the tables; None if it is not listed."""
        category = self._user_category(func)
        if category is not None or origin(func.file, self.own_packages) not in (
            "library",
            "stdlib",
        ):
            return category
        name = module_name(func.file)
        while name:
            if (shipped := MODULE_CATEGORIES.get(name)) is not None:
                return shipped
            name = name.rpartition(".")[0]
        return None

    def _user_category(self, func: Function) -> Category | None:
        for fragment, category in self.user_categories.items():
            if "/" in fragment and fragment in func.file:
                return category
        name = module_name(func.file) if self.user_categories else ""
        while name:
            if name in self.user_categories:
                return self.user_categories[name]
            name = name.rpartition(".")[0]
        return None

    def category(self, func: Function) -> Category:
        """Return the category of one function, regardless of its stack."""
        known = self.listed_category(func)
        if known is not None:
            return known
        if is_waiting(func):
            return "waiting"
        return "your code" if self.is_own_code(func) else "other"

    def is_own_code(self, func: Function) -> bool:
        """Whether the function is the user's own code.

        The top of a generated console script is not: it only starts the package that it names.
        """
        category = self._user_category(func)
        if category is not None:
            return category == "your code"
        if func.name == "<module>" and (script := script_name(func.file)):
            return script in self.own_packages
        return origin(func.file, self.own_packages) == "yours"

    def is_own_or_incomplete(self, func: Function) -> bool:
        """Whether the function is shown in the own-code view; incomplete stacks are included."""
        return func.name == INCOMPLETE or self.is_own_code(func)


def build_table(
    modules: Mapping[str, Iterable[str]], own_packages: Iterable[str] = ()
) -> CategoryTable:
    """Build the user's table from modules by category, as in the config.

    Names that are no category are ignored.
    """
    known = {category: category for category in CATEGORIES}
    user_categories: dict[str, Category] = {}
    for name, module_names in modules.items():
        if name in known:
            user_categories.update(dict.fromkeys(module_names, known[name]))
    return CategoryTable(user_categories, frozenset(own_packages))
