"""Words in metric names, with the points the ranking gives them.

Points are relative: a request is the plainest unit of work (10), a byte the last resort (2.5). A
word for background work weighs about half a noun, so that `raft_requests` ranks below
`http_requests`.
"""

from __future__ import annotations


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _points(groups: dict[str, float]) -> dict[str, float]:
    return {word: points for words, points in groups.items() for word in words.split()}


WORK_NOUNS = _points(
    {
        "requests request reqs req rq": 10.0,
        "queries query questions commands command cmds cmd statements": 8.0,
        "messages message msgs messagesin records lines entries": 8.0,
        "calls invocations rpc rpcs handled inference inferences predictions": 7.0,
        "transactions txn xact completions lookups deliveries tokens": 6.5,
        "operations ops jobs tasks executions events spans points": 6.0,
        "responses response replies totals processed transfer produced samples": 5.5,
        "commits hits gets reads writes read written sessions accepts": 3.5,
        "packets connections connects conns": 3.0,
        "bytes octets receive transmit received sent": 2.5,
    }
)
"""Nouns of work done: the subject of a throughput counter."""

SERVING = _points(
    {
        "http grpc server frontend entrypoint downstream ingress web sql dns": 1.2,
        "received started handled served processed completed incoming success in": 0.6,
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
        "internal admin audit auth authentication authorization admission token tls cert "
        "certificate acl": 5.0,
        "btrfs xfs zfs filesystem memory cpu page pages faults switches interrupts forks arp "
        "softnet conntrack": 5.0,
        "nfs nfsd ipvs multicast icmp udp carrier perf uncore distsql netstat entropy": 5.0,
        "cache memo pool buffer buffers tick heartbeat heartbeats loop sync syncs": 4.0,
        "log logs logging logger alert alerts session deprecated legacy storage telemetry "
        "reporting": 3.0,
        "client upstream outgoing outbound egress remote rest backend cluster peer forward": 2.5,
    }
)
"""Words for work of a service other than serving, or for its calls to others."""

RUNTIME = _word_set(
    "go process python jvm promhttp nodejs dotnet scrape exporter otelcol target ruby erlang beam "
    "logback"
)
"""First words of metrics about the runtime or the exporter itself."""

ERRORS = _word_set(
    "error errors err errs failed failure failures failedproducerequests exceptions exception "
    "rejected dropped drop drops dropouts timeouts timeout aborted aborts abort denied invalid "
    "unroutable retry retries retried retransmits retransmitted discarded discards lost missed "
    "misses overflow refused reset resets restarts expired evicted panics unhandled fail cancelled "
    "canceled slow throttled collisions fifo"
)
"""Words for errors, or for work that was not done."""

FAILURES = _word_set("error errors errs failed failure failures exceptions fail")
"""The plainest words for errors."""

TIMES = _word_set(
    "seconds milliseconds microseconds nanoseconds ms us ns msec usec time duration latency cpu "
    "wait waited lag"
)
"""A counter with such a word counts time, not work."""

SIZES = _word_set(
    "bytes size sizes length batch rows tokens entries objects items samples age ratio depth series"
)
"""A distribution with such a word does not hold times."""

DURATIONS = _points(
    {
        "latency latencies duration durations": 5.0,
        "time handling elapsed rtt response": 3.5,
        "seconds milliseconds microseconds nanoseconds ms us ns msec usec": 3.0,
    }
)
"""Words for durations."""

PARTIAL = _points(
    {
        "queue queued wait waiting lag delay connect connection length sync fsync handshake": 4.0,
        "prefill decode tick inter per session cx idle uptime age sleep pause ttl last "
        "scrape collector": 4.0,
    }
)
"""Words for a part of the response time, or for the time of something else."""

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
