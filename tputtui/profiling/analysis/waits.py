"""Functions in which a thread waits, by module. Pure.

The tables list functions of the standard library, of libraries that wait in C, and loops that wait
for work. Names are bare: since Python 3.11 a profile has qualified names ("Condition.wait"), before
only "wait".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from tputtui.profiling.analysis.code_origin import module_name, origin
from tputtui.profiling.profile_model import WAITING_IN_C, Function

_ALL_FUNCTIONS: frozenset[str] = frozenset()
"""Marker for every function of a module and of the modules below it."""


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


_WAIT_FUNCTIONS: Mapping[str, frozenset[str]] = {
    "threading": _names(
        "wait", "acquire", "join", "_wait_for_tstate_lock", "__enter__", "_shutdown"
    ),
    "queue": _names("get", "put", "join"),
    "selectors": _names("select", "_select"),
    "socket": _names(
        "accept", "readinto", "recv_into", "create_connection", "connect", "getaddrinfo"
    ),
    "ssl": _names("read", "recv", "recv_into", "do_handshake"),
    "subprocess": _names("wait", "_wait", "_try_wait", "communicate", "_communicate"),
    "concurrent.futures._base": _names("result", "wait"),
    "concurrent.futures.thread": _names("_worker"),
    "logging.handlers": _names("dequeue"),
    "multiprocessing.connection": _names("wait", "_poll", "_recv", "_recv_bytes"),
    "multiprocessing.forkserver": _names("main"),
    "multiprocessing.popen_fork": _names("poll", "wait"),
    "multiprocessing.popen_forkserver": _names("poll"),
    "multiprocessing.queues": _names("get"),
    "multiprocessing.resource_tracker": _names("main"),
    "multiprocessing.synchronize": _names("acquire", "__enter__", "wait"),
    "signal": _names("pause", "sigwait"),
    "socketserver": _names("serve_forever"),
}
"""Functions of the standard library that wait when they are innermost."""

_C_WAIT_FUNCTIONS: Mapping[str, frozenset[str]] = {
    "aiosqlite.core": _names("_connection_worker_thread", "run"),
    "asyncio.runners": _names("run"),  # uvloop's loop is written in C and has no frame
    "asyncore": _names("poll", "poll2"),
    "billiard.connection": _names("_poll", "wait", "_recv", "_recv_bytes"),
    "billiard.pool": _names("body"),
    "billiard.synchronize": _names("acquire", "__enter__"),
    "celery.utils.timer2": _names("run"),
    "cherrypy.process.wspbus": _names("wait"),
    "confluent_kafka": _names("poll", "consume"),
    "django.utils.autoreload": _names("tick"),
    "eventlet.hubs": _names("wait", "do_poll"),
    "gevent._threading": _names("acquire_with_timeout", "wait"),
    "gevent.hub": _names("run"),
    "granian.server": _names(
        "_serve_loop",
        "_spawn_asgi_lifespan_worker",
        "_spawn_asgi_worker",
        "_spawn_rsgi_worker",
        "_spawn_wsgi_worker",
    ),
    "grpc._channel": _names("channel_spin", "_poll_connectivity"),
    "grpc._common": _names("wait", "_wait_once"),
    "grpc._server": _names("_serve"),
    "gunicorn.arbiter": _names("sleep", "wait_for_signals"),
    "gunicorn.workers": _names("wait", "run"),
    "kombu.transport.virtual": _names("drain_events"),
    "kombu.utils.eventio": _names("poll", "_poll"),
    "paho.mqtt.client": _names("_loop"),
    "pika.adapters.select_connection": _names("poll"),
    "psycopg": _names(
        "wait", "wait_c", "wait_conn", "wait_epoll", "wait_poll", "wait_psql", "wait_select"
    ),
    "pymongo.network": _names("_receive_data_on_socket", "receive_data"),
    "pymongo.network_layer": _names("receive_data", "recv_into", "wait_for_read"),
    "pymongo.periodic_executor": _names("_run"),
    "redis._parsers": _names("_read_from_socket", "read_from_socket", "can_read"),
    "sched": _names("run"),
    "twisted.internet": _names("doPoll", "doSelect"),
    "uvloop": _names("run"),
    "waitress.wasyncore": _names("poll", "poll2", "select"),
    "watchdog.observers": _names("read_events"),
    "watchfiles.main": _names("watch"),
    "werkzeug._reloader": _names("run", "run_step"),
}
"""Functions that wait in a C call, which has no frame. A measured CPU time is better evidence."""

_LOOP_FUNCTIONS: Mapping[str, frozenset[str]] = {
    "aiohttp.web": _names("run_app", "_run_app"),
    "apscheduler": _ALL_FUNCTIONS,
    "arq.worker": _ALL_FUNCTIONS,
    "asyncio.base_events": _names("run_forever", "run_until_complete", "_run_once"),
    "asyncio.runners": _names("run"),
    "asyncore": _names("loop"),
    "azure.eventhub": _names("receive", "receive_batch"),
    "azure.servicebus": _names("receive_messages", "__next__"),
    "billiard.pool": _ALL_FUNCTIONS,
    "bottle": _names("run"),
    "celery.apps": _ALL_FUNCTIONS,
    "celery.beat": _ALL_FUNCTIONS,
    "celery.bin": _ALL_FUNCTIONS,
    "celery.worker": _ALL_FUNCTIONS,
    "cheroot": _ALL_FUNCTIONS,
    "cherrypy": _ALL_FUNCTIONS,
    "concurrent.futures.process": _names("_process_worker"),
    "concurrent.futures.thread": _names("_worker"),
    "confluent_kafka": _names("poll", "consume"),
    "daphne": _ALL_FUNCTIONS,
    "django.core.servers": _ALL_FUNCTIONS,
    "django.utils.autoreload": _ALL_FUNCTIONS,
    "dramatiq": _names("run", "consumer_thread", "worker_process"),
    "eventlet.hubs": _names("run"),
    "eventlet.wsgi": _names("server"),
    "google.cloud.pubsub_v1": _names("result"),
    "granian": _ALL_FUNCTIONS,
    "grpc._server": _ALL_FUNCTIONS,
    "gunicorn": _ALL_FUNCTIONS,
    "huey.consumer": _ALL_FUNCTIONS,
    "hypercorn": _ALL_FUNCTIONS,
    "kafka.consumer": _names("poll", "__next__", "_message_generator_v2", "next_v2"),
    "kombu.asynchronous": _ALL_FUNCTIONS,
    "kombu.connection": _names("drain_events"),
    "kombu.mixins": _ALL_FUNCTIONS,
    "multiprocessing.forkserver": _names("main"),
    "multiprocessing.managers": _names("serve_forever"),
    "multiprocessing.pool": _names("worker", "_handle_workers", "_handle_tasks", "_handle_results"),
    "paho.mqtt.client": _names("loop", "loop_forever"),
    "pika.adapters.blocking_connection": _names(
        "start_consuming", "process_data_events", "consume", "sleep"
    ),
    "pika.adapters.select_connection": _names("start"),
    "psycopg": _names("notifies"),
    "pymongo.change_stream": _names("next", "try_next", "__next__"),
    "pymongo.synchronous.change_stream": _names("next", "try_next", "__next__"),
    "redis.client": _names("listen", "get_message", "run"),
    "redis.commands.core": _names(
        "blmove", "blmpop", "blpop", "brpop", "brpoplpush", "bzmpop", "bzpopmax", "bzpopmin",
        "xread", "xreadgroup",
    ),
    "rq.queue": _names("dequeue_any"),
    "rq.worker": _ALL_FUNCTIONS,
    "sanic": _names("run", "serve", "serve_single", "monitor"),
    "sched": _names("run"),
    "socketserver": _names("serve_forever"),
    "tornado.ioloop": _names("start"),
    "twisted.internet": _ALL_FUNCTIONS,
    "uvicorn": _ALL_FUNCTIONS,
    "uvloop": _names("run"),
    "waitress": _ALL_FUNCTIONS,
    "watchdog": _ALL_FUNCTIONS,
    "watchfiles": _ALL_FUNCTIONS,
    "websockets.sync.server": _names("serve_forever"),
    "werkzeug._reloader": _ALL_FUNCTIONS,
    "werkzeug.serving": _ALL_FUNCTIONS,
}  # fmt: skip
"""Functions that wait for work and call the code that does it.

A wait below them has no specific cause.
"""


@lru_cache(maxsize=65536)
def is_waiting(func: Function) -> bool:
    """Whether a thread waits when this function is innermost."""
    if func.name == WAITING_IN_C and not func.file:
        return True
    if origin(func.file) not in ("stdlib", "import"):
        return False
    return _bare_name(func) in _WAIT_FUNCTIONS.get(module_name(func.file), ())


@lru_cache(maxsize=65536)
def is_waiting_in_c(func: Function) -> bool:
    """Whether the function usually waits in C when it is innermost."""
    return _is_listed(func, _C_WAIT_FUNCTIONS)


@lru_cache(maxsize=65536)
def is_loop(func: Function) -> bool:
    """Whether the function waits for work and calls the code that does it.

    Examples are an event loop, a server and a consumer.
    """
    return _is_listed(func, _LOOP_FUNCTIONS)


def _is_listed(func: Function, table: Mapping[str, frozenset[str]]) -> bool:
    if origin(func.file) not in ("stdlib", "library"):
        return False
    name = module_name(func.file)
    while name:
        names = table.get(name)
        if names is not None and (not names or _bare_name(func) in names):
            return True
        name = name.rpartition(".")[0]
    return False


def _bare_name(func: Function) -> str:
    return func.name.rpartition(".")[2]
