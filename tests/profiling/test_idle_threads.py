"""A wait that own code did not enter is idle, and no client is blamed. Frames as in py-spy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tputtui.profiling.analysis import activity, insights
from tputtui.profiling.analysis.blocked_threads import frames_waiting_in_c
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.profile_model import FrameTable, Profile, ProfileSlice, ProfileThread, Stack

ProfileFactory = Callable[..., Profile]
PY = "/usr/lib/python3.12"
SITE = "/v/lib/python3.12/site-packages"
BOOT = f"Thread._bootstrap@{PY}/threading.py;Thread._bootstrap_inner@{PY}/threading.py;Thread.run@{PY}/threading.py"
WAIT = f"Condition.wait@{PY}/threading.py"
EVENT = f"Event.wait@{PY}/threading.py;{WAIT}"
GET = f"Queue.get@{PY}/queue.py;{WAIT}"
SELECT = f"EpollSelector.select@{PY}/selectors.py"
LOOP = (
    f"run@{PY}/asyncio/runners.py;Runner.run@{PY}/asyncio/runners.py;"
    f"BaseEventLoop.run_until_complete@{PY}/asyncio/base_events.py;"
    f"BaseEventLoop.run_forever@{PY}/asyncio/base_events.py;BaseEventLoop._run_once@{PY}/asyncio/base_events.py"
)
UVICORN = "<module>@/v/bin/uvicorn;Command.main@{s}/click/core.py;main@{s}/uvicorn/main.py;Server.run@{s}/uvicorn/server.py"
GUNICORN = (
    "<module>@/v/bin/gunicorn;run@{s}/gunicorn/app/wsgiapp.py;Arbiter.run@{s}/gunicorn/arbiter.py"
)
CELERY = "<module>@/v/bin/celery;main@{s}/celery/__main__.py;worker@{s}/celery/bin/worker.py;Consumer.start@{s}/celery/worker/consumer/consumer.py"
SPAWNED = f"<module>@<string>;spawn_main@{PY}/multiprocessing/spawn.py;BaseProcess._bootstrap@{PY}/multiprocessing/process.py"

IDLE = {
    "aiosqlite": f"{BOOT};_connection_worker_thread@{SITE}/aiosqlite/core.py:59",
    "aiosqlite before 0.22": f"{BOOT};Connection.run@{SITE}/aiosqlite/core.py:97",
    "psycopg_pool worker": f"{BOOT};ConnectionPool.worker@{SITE}/psycopg_pool/pool.py;Queue.get@{SITE}/psycopg_pool/_acompat.py;{GET}",
    "psycopg_pool scheduler": f"{BOOT};Scheduler.run@{SITE}/psycopg_pool/sched.py;{EVENT}",
    "psycopg_pool worker that connects": f"{BOOT};ConnectionPool.worker@{SITE}/psycopg_pool/pool.py;Connection.connect@{SITE}/psycopg/connection.py;{SELECT}",
    "kafka-python sender": f"{BOOT};Sender.run@{SITE}/kafka/producer/sender.py;KafkaNetClient.poll@{SITE}/kafka/net/compat.py;{SELECT}",
    "kafka-python heartbeat": f"{BOOT};HeartbeatThread._run_once@{SITE}/kafka/coordinator/base.py;{WAIT}",
    "kafka-python consumer run by own code": f"main;KafkaConsumer.__next__@{SITE}/kafka/consumer/group.py;KafkaConsumer.poll@{SITE}/kafka/consumer/group.py;{SELECT}",
    "confluent wrapper": f"main;DeserializingConsumer.poll@{SITE}/confluent_kafka/deserializing_consumer.py",
    "pika loop": f"{BOOT};IOLoop.start@{SITE}/pika/adapters/select_connection.py;PollPoller.poll@{SITE}/pika/adapters/select_connection.py",
    "pika loop in a thread of own code": f"{BOOT};consume;IOLoop.start@{SITE}/pika/adapters/select_connection.py;PollPoller.poll@{SITE}/pika/adapters/select_connection.py",
    "pika consumer run by own code": f"main;BlockingChannel.start_consuming@{SITE}/pika/adapters/blocking_connection.py;BlockingConnection.process_data_events@{SITE}/pika/adapters/blocking_connection.py;{SELECT}",
    "executor, C queue": f"{BOOT};_worker@{PY}/concurrent/futures/thread.py",
    "executor of 3.13": f"{BOOT.replace('3.12', '3.13')};_worker@/usr/lib/python3.13/concurrent/futures/thread.py",
    "executor, bare names": "_bootstrap@/usr/lib/python3.10/threading.py;run@/usr/lib/python3.10/threading.py;_worker@/usr/lib/python3.10/concurrent/futures/thread.py",
    "anyio worker": f"{BOOT};WorkerThread.run@{SITE}/anyio/_backends/_asyncio.py;{GET}",
    "asyncio": f"{UVICORN.format(s=SITE)};{LOOP};{SELECT}",
    "asyncio started by own code": f"main;{LOOP};{SELECT}",
    "uvicorn started by own code": f"main;run@{SITE}/uvicorn/main.py;Server.run@{SITE}/uvicorn/server.py;Runner.run@{PY}/asyncio/runners.py",
    "uvloop": f"{UVICORN.format(s=SITE)};asyncio_run@{SITE}/uvicorn/_compat.py;Runner.run@{PY}/asyncio/runners.py",
    "uvicorn worker": f"{SPAWNED};Process.target@{SITE}/uvicorn/supervisors/multiprocess.py;{LOOP};{SELECT}",
    "multiprocessing's tracker": f"<module>@<string>;main@{PY}/multiprocessing/resource_tracker.py",
    "sqlalchemy pool": f"{BOOT};_worker@{SITE}/sqlalchemy/util/queue.py;{WAIT}",
    "redis pubsub": f"{BOOT};PubSubWorkerThread.run@{SITE}/redis/client.py;PubSub.get_message@{SITE}/redis/client.py;AbstractConnection.can_read@{SITE}/redis/connection.py;SocketBuffer._read_from_socket@{SITE}/redis/_parsers/socket.py",
    "redis list consumer of own code": f"main;ListCommands.blpop@{SITE}/redis/commands/core.py;Redis.execute_command@{SITE}/redis/client.py;SocketBuffer._read_from_socket@{SITE}/redis/_parsers/socket.py",
    "pymongo monitor": f"{BOOT};PeriodicExecutor._run@{SITE}/pymongo/periodic_executor.py",
    "pymongo monitor that listens": f"{BOOT};PeriodicExecutor._run@{SITE}/pymongo/periodic_executor.py;Monitor._check_once@{SITE}/pymongo/monitor.py;receive_data@{SITE}/pymongo/network_layer.py",
    "celery": f"{CELERY.format(s=SITE)};Connection.drain_events@{SITE}/kombu/connection.py;Transport.drain_events@{SITE}/kombu/transport/virtual/base.py",
    "celery hub": f"{CELERY.format(s=SITE)};Hub.create_loop@{SITE}/kombu/asynchronous/hub.py;_epoll.poll@{SITE}/kombu/utils/eventio.py",
    "celery pool": f"{BOOT};Supervisor.body@{SITE}/billiard/pool.py",
    "apscheduler": f"{BOOT};BlockingScheduler._main_loop@{SITE}/apscheduler/schedulers/blocking.py;{EVENT}",
    "apscheduler started by own code": f"main;BlockingScheduler.start@{SITE}/apscheduler/schedulers/blocking.py;BlockingScheduler._main_loop@{SITE}/apscheduler/schedulers/blocking.py;{EVENT}",
    "django reloader": f"main;execute_from_command_line@{SITE}/django/core/management/__init__.py;BaseReloader.run@{SITE}/django/utils/autoreload.py;StatReloader.tick@{SITE}/django/utils/autoreload.py",
    "django reloader's parent": f"main;restart_with_reloader@{SITE}/django/utils/autoreload.py;run@{PY}/subprocess.py;Popen.wait@{PY}/subprocess.py",
    "gunicorn sync worker": f"{GUNICORN.format(s=SITE)};SyncWorker.run@{SITE}/gunicorn/workers/sync.py;SyncWorker.wait@{SITE}/gunicorn/workers/sync.py",
    "gunicorn arbiter": f"{GUNICORN.format(s=SITE)};Arbiter.sleep@{SITE}/gunicorn/arbiter.py",
    "gevent hub": f"Hub.run@{SITE}/gevent/hub.py",
    "logging's queue, C": f"{BOOT};QueueListener._monitor@{PY}/logging/handlers.py;QueueListener.dequeue@{PY}/logging/handlers.py",
    "tqdm": f"{BOOT};TMonitor.run@{SITE}/tqdm/_monitor.py;{EVENT}",
    "debugpy": f"{BOOT};ReaderThread._on_run@{SITE}/debugpy/_vendored/pydevd/_pydevd_bundle/pydevd_comm.py;{EVENT}",
    "opentelemetry": f"{BOOT};BatchProcessor.worker@{SITE}/opentelemetry/sdk/_shared_internal/__init__.py;{EVENT}",
    "prometheus_client": f"{BOOT};BaseServer.serve_forever@{PY}/socketserver.py;_PollLikeSelector.select@{PY}/selectors.py",
    "sentry": f"{BOOT};BackgroundWorker._target@{SITE}/sentry_sdk/worker.py;Queue.get@{SITE}/sentry_sdk/_queue.py;{WAIT}",
    "grpc server of own code": f"main;_Server.wait_for_termination@{SITE}/grpc/_server.py;wait@{SITE}/grpc/_common.py;{WAIT}",
    "forked by own code": f"main;BaseProcess.start@{PY}/multiprocessing/process.py;BaseProcess._bootstrap@{PY}/multiprocessing/process.py;Worker.loop@{SITE}/somelib/pool.py;{GET}",
}  # fmt: skip
WORK = "main;work 4 4"  # running own code, so that a share would have a caller


@pytest.mark.parametrize("name", IDLE)
def test_an_idle_thread_is_idle_and_has_no_insight(name: str, profile_of: ProfileFactory) -> None:
    stacks = select_stacks(profile_of(*[f"{IDLE[name]} 96\n{WORK}"] * 5))
    shares = activity.category_shares(stacks)
    assert shares["idle"] == pytest.approx(0.96)
    assert shares["database"] == shares["outbound"] == 0
    assert [insight.rule for insight in insights.profile_insights(stacks)] == []


@pytest.mark.parametrize("name", IDLE)
def test_an_idle_thread_of_which_the_cpu_time_is_known_is_idle_too(
    name: str, profile_of: ProfileFactory
) -> None:
    profile = profile_of(*[f"{IDLE[name]} 96\n{WORK}"] * 5)
    thread = profile.threads[0]
    profile = replace(
        profile, slices=tuple(replace(part, cpu_shares={thread: 0.04}) for part in profile.slices)
    )
    shares = activity.category_shares(select_stacks(profile))
    assert shares["idle"] == pytest.approx(0.96)
    assert insights.profile_insights(select_stacks(profile), load=insights.cpu_load(profile)) == []


READS = f"SocketIO.readinto@{PY}/socket.py"
INSIDE = {
    "psycopg": (
        f"{BOOT};WorkerThread.run@{SITE}/anyio/_backends/_asyncio.py;load;Cursor.execute@{SITE}/psycopg/cursor.py;Connection.wait@{SITE}/psycopg/connection.py",
        "database", "in the database client psycopg, called from load.",
    ),
    "pymysql below a framework": (
        f"{UVICORN.format(s=SITE)};load;execute@{SITE}/django/db/backends/utils.py;query@{SITE}/pymysql/connections.py;{READS}",
        "database", "in the database client django, called from load.",
    ),
    "redis": (f"handle;get@{SITE}/redis/commands/core.py;_read_from_socket@{SITE}/redis/_parsers/socket.py", "database", "in the database client redis, called from handle."),
    "requests": (f"ask;get@{SITE}/requests/api.py;read@{PY}/ssl.py", "outbound", "in outbound calls by requests, called from ask."),
    "publishing with pika": (f"publish;basic_publish@{SITE}/pika/adapters/blocking_connection.py;PollPoller.poll@{SITE}/pika/adapters/select_connection.py", "outbound", "in outbound calls by pika, called from publish."),
    "own code in an executor": (f"{BOOT};_worker@{PY}/concurrent/futures/thread.py;run@{PY}/concurrent/futures/thread.py;load;execute@{SITE}/psycopg/cursor.py;{WAIT}", "database", "in the database client psycopg, called from load."),
    "own code called by a consumer": (f"main;BlockingChannel.start_consuming@{SITE}/pika/adapters/blocking_connection.py;on_message;execute@{SITE}/psycopg/cursor.py;{WAIT}", "database", "in the database client psycopg, called from on_message."),
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
def test_own_code_that_waits_in_a_client_is_named(name: str, profile_of: ProfileFactory) -> None:
    stack, category, sentence = INSIDE[name]
    stacks = select_stacks(profile_of(*[f"{stack} 40\n{IDLE['aiosqlite']} 60"] * 5))
    assert activity.category_shares(stacks)[category] == pytest.approx(0.4)  # type: ignore[index]
    assert [insight.text for insight in insights.profile_insights(stacks)] == [
        f"40.0 % ±0.0 of the time is spent {sentence}"
    ]


def test_a_computing_callback_of_a_consumer_is_own_code(profile_of: ProfileFactory) -> None:
    start = f"main;BlockingChannel.start_consuming@{SITE}/pika/adapters/blocking_connection.py"
    stacks = select_stacks(
        profile_of(*[f"{start};on_message;price 70 69\n{start};{SELECT} 30"] * 5)
    )
    shares = activity.category_shares(stacks)
    assert [shares["your code"], shares["idle"]] == pytest.approx([0.7, 0.3])
    assert [insight.text.partition(",")[0] for insight in insights.profile_insights(stacks)] == [
        "70.0 % ±0.0 is computed in price"
    ]


def test_waiting_for_an_executor_is_a_wait_of_own_code_and_not_a_lock(
    profile_of: ProfileFactory,
) -> None:
    wait = f"main;fetch_all;Future.result@{PY}/concurrent/futures/_base.py;{WAIT}"
    stacks = select_stacks(profile_of(*[f"{wait} 60\n{IDLE['executor, C queue']} 40"] * 5))
    shares = activity.category_shares(stacks)
    assert [shares["waiting"], shares["idle"]] == pytest.approx([0.6, 0.4])
    assert insights.profile_insights(stacks) == []


def test_a_main_function_that_runs_an_unknown_library_s_loop_does_not_wait_for_a_lock(
    profile_of: ProfileFactory,
) -> None:
    loop = f"main;Server.serve@{SITE}/somelib/server.py;{WAIT}"
    assert insights.profile_insights(select_stacks(profile_of(*[f"{loop} 100"] * 5))) == []
    pool = f"Server.call@{SITE}/somelib/server.py;load;Pool.take@{SITE}/otherlib/pool.py;{WAIT}"
    findings = insights.profile_insights(select_stacks(profile_of(*[f"{pool} 100"] * 5)))
    assert [finding.rule for finding in findings] == ["lock"]


@pytest.mark.parametrize(
    ("weights", "attribution"),
    [
        ({"load": 51, "save": 49}, ", called from load."),
        ({"load": 50, "save": 50}, ", called from 2 functions."),
        ({"load": 30, "save": 30, "find": 40}, ", called from 3 functions."),
    ],
)
def test_a_caller_is_named_only_above_half_of_the_time(
    weights: dict[str, int], attribution: str, profile_of: ProfileFactory
) -> None:
    text = "\n".join(
        f"main;{name};execute@{SITE}/psycopg/cursor.py;{WAIT} {n}" for name, n in weights.items()
    )
    (sentence,) = insights.profile_insights(select_stacks(profile_of(*[text] * 5)))
    assert (
        sentence.text
        == f"100.0 % ±0.0 of the time is spent in the database client psycopg{attribution}"
    )
    assert (sentence.func_id >= 0) == attribution.endswith("load.")


def test_two_clients_without_a_majority_are_both_named(profile_of: ProfileFactory) -> None:
    text = f"main;load;execute@{SITE}/psycopg/cursor.py 50\nmain;load;get@{SITE}/redis/client.py 50"
    (sentence,) = insights.profile_insights(select_stacks(profile_of(*[text] * 5)))
    assert sentence.text.endswith("in the database clients psycopg and redis, called from load.")


def measured(profile: Profile, shares: list[dict[ProfileThread, float]]) -> Profile:
    return replace(
        profile,
        slices=tuple(
            replace(part, cpu_shares=cpu) for part, cpu in zip(profile.slices, shares, strict=True)
        ),
    )


def client_thread(executing: list[float], gil: float = 0.0) -> Profile:
    """Create a thread of aiosqlite, in C throughout.

    Line 59 waits for work, line 64 executes a statement.
    """
    frames, thread = FrameTable(), ProfileThread(1, 2, "Thread-1 (_connection_worker_thread)")
    run = (frames.add_frame("Thread._bootstrap", f"{PY}/threading.py", 1002),)
    waits: Stack = (
        *run,
        frames.add_frame("_connection_worker_thread", f"{SITE}/aiosqlite/core.py", 59),
    )
    works: Stack = (
        *run,
        frames.add_frame("_connection_worker_thread", f"{SITE}/aiosqlite/core.py", 64),
    )
    slices = []
    for share in executing:
        wall = {waits: 100 * (1 - share), works: 100 * share}
        slices.append(
            ProfileSlice(
                {thread: wall},
                {thread: {works: 100 * gil}} if gil else {},
                100.0,
                100.0,
                1.0,
                {thread: share},
            )
        )
    return Profile(frames, tuple(slices))


@pytest.mark.parametrize(
    "executing", [[0.3, 0.2, 0.4, 0.3, 0.3], [0.5, 0.6, 0.4, 0.5, 0.5], [0.8, 0.7, 0.9, 0.8, 0.8]]
)
def test_of_a_client_s_own_thread_only_the_cpu_time_counts_as_database(
    executing: list[float],
) -> None:
    profile = client_thread(executing)
    stacks = select_stacks(profile)
    share = sum(executing) / len(executing)
    shares = activity.category_shares(stacks)
    assert shares["database"] == pytest.approx(share)
    assert shares["idle"] == pytest.approx(1 - share)
    (sentence,) = insights.profile_insights(stacks, load=insights.cpu_load(profile))
    assert sentence.text.startswith(f"{share * 100:.1f} % ")
    assert sentence.text.endswith(
        "of the time is spent in the database client aiosqlite."
    )  # no caller is known


def test_a_client_s_thread_without_measured_cpu_time_has_no_insight() -> None:
    profile = client_thread([0.5] * 5)
    blind = replace(profile, slices=tuple(replace(part, cpu_shares={}) for part in profile.slices))
    assert insights.profile_insights(select_stacks(blind)) == []
    assert activity.category_shares(select_stacks(blind))["database"] == 0


def test_a_busy_thread_has_no_waits_beyond_its_cpu_time(profile_of: ProfileFactory) -> None:
    profile = profile_of(*["main;deflate 60\nmain;work 40 39"] * 5)
    thread = profile.threads[0]
    assert frames_waiting_in_c(measured(profile, [{thread: 0.98}] * 5)) == {}


def test_without_own_code_a_client_called_by_an_unknown_library_waits_and_is_not_idle(
    profile_of: ProfileFactory,
) -> None:
    call = f"{UVICORN.format(s=SITE)};load@{SITE}/shop/views.py;execute@{SITE}/psycopg/cursor.py;{WAIT}"
    stacks = select_stacks(profile_of(*[f"{call} 30\n{IDLE['psycopg_pool worker']} 70"] * 5))
    shares = activity.category_shares(stacks)
    assert [shares["waiting"], shares["idle"]] == pytest.approx([0.3, 0.7])
    assert insights.profile_insights(stacks) == []
    known = CategoryTable(own_packages=frozenset(("shop",)))
    assert activity.category_shares(stacks, known)["database"] == pytest.approx(0.3)
    assert [insight.text for insight in insights.profile_insights(stacks, known)] == [
        "30.0 % ±0.0 of the time is spent in the database client psycopg, called from load."
    ]


def test_a_small_share_of_one_thread_gives_no_insight(profile_of: ProfileFactory) -> None:
    call = f"main;load;execute@{SITE}/psycopg/cursor.py;{WAIT}"
    assert (
        insights.profile_insights(
            select_stacks(profile_of(*[f"{call} 2\n{IDLE['anyio worker']} 98"] * 5))
        )
        == []
    )
    assert (
        len(
            insights.profile_insights(
                select_stacks(profile_of(*[f"{call} 8\n{IDLE['anyio worker']} 92"] * 5))
            )
        )
        == 1
    )


def test_a_main_function_that_starts_a_server_does_not_compute_what_the_server_does(
    profile_of: ProfileFactory,
) -> None:
    server = f"main;run@{SITE}/uvicorn/main.py;{LOOP};handle@{SITE}/h11/_connection.py"
    stacks = select_stacks(
        profile_of(*[f"{server} 90 89\nmain;run@{SITE}/uvicorn/main.py;{LOOP};{SELECT} 10"] * 5)
    )
    assert [insight.rule for insight in insights.profile_insights(stacks)] == ["cpu-bound"]
    assert activity.category_shares(stacks)["framework"] == pytest.approx(0.9)
