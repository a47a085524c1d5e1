"""Words in metric names, with the points the ranking gives them.

Points are relative: a request is the plainest unit of work (10), a byte the last resort (2.5). A
word for background work weighs about half a noun, so that `raft_requests` ranks below
`http_requests`.
"""

from __future__ import annotations

from functools import lru_cache


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _points(groups: dict[str, float]) -> dict[str, float]:
    return {word: points for words, points in groups.items() for word in words.split()}


WORK_NOUNS = _points(
    {
        "request req rq": 10.0,
        "query question command cmd statement": 8.0,
        "message msg messagesin record lines": 8.0,
        "call invocation rpc handled inference prediction access": 7.0,
        "reconcile reconciliation": 7.5,
        "transaction txn xact completion lookup deliveries tokens": 6.5,
        "operation op job task execution run": 6.0,
        "response replies totals processed transfer produced samples event span points": 5.5,
        "succeeded success successful acquired acquire": 5.0,
        "commit hit get read write written sessions accepts entries": 3.5,
        "packets connections connects conns": 3.0,
        "bytes octets receive transmit received sent": 2.5,
    }
)
"""Nouns of work done: the subject of a throughput counter. Most stand for their plural as well."""


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """Return the singular of a plural by the plain rules: queries, accesses, tasks."""
    if len(word) < 3 or word.endswith(("ss", "us")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word.removesuffix("s")


@lru_cache(maxsize=4096)
def work_points(word: str) -> float:
    """Return the points of a noun of work, in its singular or plural; 0 for other words."""
    return WORK_NOUNS.get(word, 0.0) or WORK_NOUNS.get(singular(word), 0.0)


def is_bytes(word: str) -> bool:
    """Tell whether a word counts bytes: bytes, kbytes, hdrbytes, kilobytes, octets."""
    return word.endswith("bytes") or word in ("byte", "octets", "octet", "bytesin", "bytesout")


SERVING = _points(
    {
        "http grpc server frontend entrypoint downstream ingress web dns": 1.2,
        "received started handled served processed completed incoming success in": 0.6,
        "processing executing execution exec running": 1.2,
    }
)
"""Words of the serving side, in contrast to the side that calls others."""

BACKGROUND = _points(
    {
        "gc compaction compactions flush raft wal checkpoint checkpoints vacuum snapshot "
        "gossip lease": 6.0,
        "scrape scrapes metrics metric health healthcheck probe ping check checks": 6.0,
        "sd discovery reload reloads config update updates watch webhook notifications rule "
        "evaluator leader": 5.0,
        "internal admin audit auth authentication authorization admission tls cert "
        "certificate acl": 5.0,
        "btrfs xfs zfs filesystem memory cpu page pages faults switches interrupts forks arp "
        "softnet conntrack diskstats": 5.0,
        "nfsd disk tape": 8.0,
        "blk blks block blocks": 5.0,
        "ipvs lnstat multicast icmp udp carrier perf uncore distsql netstat entropy": 5.0,
        "registry exposition gather gatherer collector render": 6.0,
        "cache memo pool buffer buffers tick heartbeat heartbeats loop sync syncs": 4.0,
        "lettered archiver janitor housekeeping cleanup rebalance stealing debug debugging": 3.0,
        "log logs logging logger alert alerts session deprecated legacy storage persistence telemetry "
        "reporting k8s kubernetes": 3.0,
        "upstream outgoing outbound egress remote rest backend cluster peer forward token": 2.5,
    }
)
"""Words for work of a service other than serving, or for its calls to others."""

RUNTIME = _word_set(
    "go process python jvm promhttp nodejs dotnet scrape exporter otelcol target ruby erlang beam "
    "logback"
)
"""First words of metrics about the runtime or the exporter itself."""

LANGUAGES = _word_set("go python jvm java nodejs dotnet ruby erlang beam php rust")
"""First words of metrics about a runtime, and of an application's own in that language."""

ERRORS = _word_set(
    "error errors err errs failed failure failures failedproducerequests exceptions exception "
    "rejected dropped drop drops dropouts timeouts timeout aborted aborts abort denied invalid "
    "unroutable retry retries retried retransmits retransmitted discarded discards lost missed "
    "misses overflow refused reset resets restarts expired evicted panics unhandled fail cancelled "
    "canceled slow throttled collisions fifo rollback rollbacks deadlock deadlocks conflicts servfail "
    "suspicious unroutable rejects poisoned"
)
"""Words for errors, or for work that was not done."""

FAILURES = _word_set("error errors errs failed failure failures exception exceptions fail")
"""The plainest words for errors."""

SUCCESSES = _word_set("success successes successful succeeded ok complete completed")
"""Words for work that came to a good end."""

GIVEN_UP = _word_set(
    "abort aborts aborted timeout timeouts rejected rejects panics rollback rollbacks unhandled "
    "servfail unavailable dropped drops discarded refused denied"
)
"""Words for work that was begun and came to nothing."""

TIMES = _word_set(
    "seconds milliseconds microseconds nanoseconds millis micros nanos ms us ns msec usec time "
    "duration latency cpu wait waited lag"
)
"""A counter with such a word counts time, not work."""

AMOUNTS = _word_set("cost costs weight score position offset lsn revision cycles ticks volume")
"""A counter with such a word counts neither work nor time."""

SIZES = _word_set(
    "bytes size sizes length batch rows tokens entries objects items samples age ratio depth series"
)
"""A distribution with such a word does not hold times."""

PLAIN_SIZES = _word_set("bytes size sizes length age depth ratio")
"""A distribution with such a word holds no times, even beside a word for a duration."""

DURATIONS = _points(
    {
        "latency latencies duration durations runtime": 5.0,
        "time handling elapsed rtt response processing": 3.5,
        "seconds milliseconds microseconds nanoseconds millis micros nanos ms us ns msec usec": 3.0,
    }
)
"""Words for durations."""

PARTIAL = _points(
    {
        "queue queued wait waiting lag delay connect connection length sync fsync handshake": 4.0,
        "fetch fetching poll polling producer enqueue dequeue pickup prefetch creation": 3.0,
        "prefill decode tick inter per session cx idle uptime age sleep pause ttl last "
        "scrape collector": 4.0,
    }
)
"""Words for a part of the response time, or for the time of something else."""

PROTOCOLS = _word_set("http https grpc rpc rest api sql redis kafka amqp web dns s3 kube k8s")
"""A client named after one of these calls others: `http_client`, `rest_client`."""

READY_RATES = _word_set("persec qps rps tps iops")
"""Words of a gauge that is a rate already. So are `per_sec`, `per_second` and `rate`."""

AVERAGES = _word_set("average avg mean median")
"""Words of a gauge that sums up the times of many events."""

# --------------------------------------------------------------------------------------- saturation

USED = _word_set(
    "used in use inuse active busy current open running acquired borrowed checkedout allocated "
    "live usage connected opened established"
)
LIMIT = _word_set("max maximum limit limits size capacity maxclients hard total config soft quota")
NO_LIMIT = _word_set("idle used queue queued waiting timeout lifetime reached heap usage peak")
"""A gauge with such a word is no limit.

A heap's total grows with its use, and a maximum of past use is no limit either.
"""
WAITING = _word_set("waiting queued pending backlog inqueue waiters")
QUEUE = _word_set("queue queues workqueue backlog mailbox")
DEPTH = _word_set(
    "length depth size jobs tasks items len requests reqs messages pending backlog latency count"
)
LIMITED_RESOURCES = _word_set(
    "pool connections connection conns threads thread workers worker clients slots permits fds db "
    "jdbc executor"
)
"""Resources of which a process has a limited number."""
NOT_LOAD = _word_set(
    "created timestamp age info uptime scrape collector wait started closed destroyed rejected "
    "peak last gc version replicas desired spec latency promhttp limit max maximum min capacity "
    "idle configured sum free rate timeout offset is first breakers need history"
)
"""A gauge with such a word is no measure of load."""
REQUEST_WORDS = _word_set("http grpc request requests server rq reqs")
FILLER_WORDS = _word_set(
    "seconds bytes total number num count threads clients workers the of current"
)
"""Words left out of the displayed name of a queue."""
