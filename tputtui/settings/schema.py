"""Keys of a config file: one tuple of options for each of its tables.

The reader, the flags, the environment, `config init` and docs/configuration.md all come from them.
"""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.settings import value_types
from tputtui.settings.value_types import ValueType


@frozen
class Option:
    """One key. `default` and `example` are TOML; the example is shown where there is no default."""

    key: str
    value_type: ValueType
    help: str
    default: str = ""
    example: str = ""
    field: str = ""  # of the dataclass in `settings_values`, where it differs from the key

    @property
    def attribute(self) -> str:
        """Field of the dataclass that holds the value."""
        return self.field or self.key


_DAY = 86400.0
PANELS = ("throughput", "latency", "saturation", "targets", "routes", "processes")
"""Panels that the config can choose: those that `PanelSpec.is_configurable` says of itself."""

_PANELS = value_types.list_of(
    value_types.choice(*PANELS),
    "panels, such as " + ", ".join(f'"{name}"' for name in PANELS),
)
_TIMEOUT = value_types.duration(0.1, 3600, "10s")
_BYTES = value_types.size(1, 2**40)
_COUNT = value_types.integer(1, 10**9)

SETTINGS: tuple[Option, ...] = (
    Option(
        "interval",
        value_types.duration(0.1, 3600, "1s"),
        "time from scrape to scrape",
        '"1s"',
        field="interval_s",
    ),
    Option(
        "window",
        value_types.duration(0.2, _DAY, "10s"),
        "span over which rates and quantiles are taken; at least two intervals",
        '"10s"',
        field="window_s",
    ),
    Option(
        "timeout",
        _TIMEOUT,
        "how long one scrape may take, whatever the interval; until then a late answer is slow, not failed",
        '"10s"',
        field="timeout_s",
    ),
    Option("quantiles", value_types.QUANTILES, "quantiles of latency to show", "[0.5, 0.9, 0.99]"),
    Option(
        "objectives",
        value_types.OBJECTIVES,
        "target levels: [service[/route]:]p99|errors|rps <=|>= VALUE",
        "[]",
        '["p99<=250ms", "errors<=0.1%"]',
    ),
    Option(
        "by",
        value_types.LABELS,
        "labels to break traffic down by; empty: route and method where present",
        "[]",
    ),
    Option(
        "discover",
        value_types.BOOLEAN,
        "without targets, look for local listeners that serve metrics",
        "true",
    ),
    Option(
        "own",
        value_types.TEXTS,
        "packages of your own code, beside those that the command line names; with a / a part of a path",
        "[]",
        example='["shop"]',
    ),
    Option(
        "panels",
        _PANELS,
        "panels to show; empty: all that have room. Others come with their number",
        "[]",
    ),
    Option(
        "chart",
        value_types.CHART,
        "a metric that has a panel of its own from the start",
        '""',
        '"process_open_fds"',
    ),
    Option("theme", value_types.TEXT, "name of a theme; auto follows the terminal", '"auto"'),
    Option(
        "background",
        value_types.choice("auto", "light", "dark"),
        "background of the terminal; auto asks it",
        '"auto"',
    ),
    Option(
        "ascii",
        value_types.BOOLEAN,
        "draw with ASCII only; by itself where the locale is not UTF-8",
        "false",
    ),
    Option("mouse", value_types.BOOLEAN, "let the mouse choose and scroll", "true"),
    Option(
        "color",
        value_types.BOOLEAN,
        "use colours; NO_COLOR in the environment turns them off",
        "true",
    ),
    Option(
        "read_only", value_types.BOOLEAN, "no capture of a process and no file is written", "false"
    ),
)

VIEW: tuple[Option, ...] = (
    Option(
        "panels",
        _PANELS,
        "panels to show; else the first table's",
        example='["throughput", "latency"]',
    ),
    Option(
        "chart",
        value_types.CHART,
        "a metric that has a panel of its own; else none",
        example='"process_open_fds"',
    ),
    Option(
        "window",
        SETTINGS[1].value_type,
        "span of rates and quantiles; else the first table's",
        example='"60s"',
        field="window_s",
    ),
)

PROFILE: tuple[Option, ...] = (
    Option(
        "duration",
        value_types.duration(0.5, 3600, "10s"),
        "length of a capture",
        '"10s"',
        field="duration_s",
    ),
    Option("rate", value_types.integer(1, 1000), "samples a second", "100", field="rate_hz"),
)

PRESET: tuple[Option, ...] = (
    Option(
        "duration",
        PROFILE[0].value_type,
        "length of a capture; else [profile]'s",
        example='"30s"',
        field="duration_s",
    ),
    Option(
        "rate",
        PROFILE[1].value_type,
        "samples a second; else [profile]'s",
        example="200",
        field="rate_hz",
    ),
    Option("subprocesses", value_types.BOOLEAN, "child processes too", "false"),
    Option(
        "native", value_types.BOOLEAN, "native frames too; pauses the process for longer", "false"
    ),
    Option(
        "blocking", value_types.BOOLEAN, "exact: the process is paused for each sample", "false"
    ),
    Option(
        "idle",
        value_types.BOOLEAN,
        "open with waiting threads, too; without them only what runs (g shows all)",
        "true",
    ),
    Option("gil", value_types.BOOLEAN, "open with who held the GIL (g shows all)", "false"),
)

TRIGGER: tuple[Option, ...] = (
    Option(
        "process",
        value_types.TEXT,
        "process: :PORT is the one that serves that port here (of workers the busiest), else a name",
        example='":8000"',
    ),
    Option(
        "after",
        value_types.duration(1, _DAY, "30s"),
        "how long an objective is missed by then",
        '"30s"',
        field="after_s",
    ),
    Option(
        "every",
        value_types.duration(10, 30 * _DAY, "10m"),
        "at most once in this time",
        '"10m"',
        field="every_s",
    ),
    Option(
        "preset",
        value_types.TEXT,
        "a name of [profile.presets]; else as [profile] says",
        example='"deep"',
    ),
)

LIMITS: tuple[Option, ...] = (
    Option("body", _BYTES, "an answer, inflated", '"16MiB"', field="body_bytes"),
    Option("header", _BYTES, "the header of an answer", '"64KiB"', field="header_bytes"),
    Option("line", _BYTES, "one line of an answer", '"64KiB"', field="line_bytes"),
    Option(
        "redirects", value_types.integer(0, 20), "redirects followed, within the same origin", "5"
    ),
    Option(
        "series_per_target",
        _COUNT,
        "series kept of one target; beyond it, whole families are hidden",
        "50000",
    ),
    Option("series_total", _COUNT, "series kept of all targets", "200000"),
    Option("labels", value_types.integer(1, 10_000), "labels of one series", "64"),
    Option("name", _BYTES, "a metric's or label's name", '"512B"', field="name_bytes"),
    Option("value", _BYTES, "a label value, as kept", '"4KiB"', field="value_bytes"),
)

TARGET: tuple[Option, ...] = (
    Option(
        "name",
        value_types.TEXT,
        "what it is called on screen and on the command line",
        example='"api"',
    ),
    Option(
        "url",
        value_types.TEXT,
        "URL, host:port or :port; without a path, /metrics",
        example='"127.0.0.1:8000"',
    ),
    Option(
        "prometheus",
        value_types.TEXT,
        "in place of url: address of a Prometheus-compatible server (Thanos, Mimir, VictoriaMetrics)",
        example='"prometheus.example:9090"',
    ),
    Option(
        "match",
        value_types.MATCHERS,
        "what to take from the server; else all its jobs",
        example="'job=\"api\"'",
    ),
    Option(
        "tenant",
        value_types.TEXT,
        "X-Scope-OrgID to send: the tenant of a shared server",
        example='"team-a"',
    ),
    Option("service", value_types.TEXT, "targets of one service are added up", example='"api"'),
    Option("username", value_types.TEXT, "basic authentication", example='"metrics"'),
    Option(
        "password_file",
        value_types.FILE,
        "file that holds the password",
        example='"~/.secrets/api"',
    ),
    Option(
        "password_env",
        value_types.VARIABLE,
        "variable that holds the password",
        example='"API_PASSWORD"',
    ),
    Option(
        "token_file",
        value_types.FILE,
        "file that holds a bearer token",
        example='"~/.secrets/api-token"',
    ),
    Option(
        "token_env",
        value_types.VARIABLE,
        "variable that holds a bearer token",
        example='"API_TOKEN"',
    ),
    Option(
        "ca_file",
        value_types.FILE,
        "certificates to trust, such as the self-signed one itself",
        example='"ca.pem"',
    ),
    Option("cert_file", value_types.FILE, "our own certificate", example='"client.pem"'),
    Option("key_file", value_types.FILE, "the key of our own certificate", example='"client.key"'),
    Option("insecure", value_types.BOOLEAN, "do not check its certificate", "false"),
    Option(
        "timeout",
        _TIMEOUT,
        "how long one scrape may take; else timeout",
        example='"30s"',
        field="timeout_s",
    ),
    Option(
        "max_body",
        _BYTES,
        "an answer, inflated; else limits.body",
        example='"64MiB"',
        field="max_body_bytes",
    ),
    Option("max_series", _COUNT, "series kept; else limits.series_per_target", example="100000"),
)

BINDING: tuple[Option, ...] = (
    Option("family", value_types.METRIC, "the metric, as exposed", example='"http_requests_total"'),
    Option(
        "name", value_types.TEXT, "saturation: what it is called on screen", example='"db pool"'
    ),
    Option("unit", value_types.TEXT, "its unit", example='"req/s"'),
    Option(
        "match",
        value_types.MATCHERS,
        "only series that meet these matchers",
        example="'route!=\"/health\"'",
    ),
    Option("label", value_types.LABEL, "errors: the label that tells them", example='"code"'),
    Option(
        "values",
        value_types.TEXTS,
        "errors: the values of the label that count",
        example='["500", "503"]',
    ),
    Option(
        "limit", value_types.METRIC, "saturation: the metric of its limit", example='"pool_size"'
    ),
)

CATEGORIES = ("framework", "your code", "database", "outbound", "waiting", "other")
"""Kinds of work of modules; a test in tests/profiling compares them with `profiling.categories`."""

SIGNALS = ("traffic", "errors", "latency", "saturation")
"""Signals that a target can bind, each by a metric's name or a table of `BINDING`."""

TABLE_HELP: dict[str, str] = {
    "targets": "What is asked for numbers, one [[targets]] each. Secrets come from files or variables, never from here.",
    "targets.headers": "Headers to send. Not for secrets.",
    "targets.headers_file": "Headers to send, each read from a file at every request.",
    "targets.headers_env": "Headers to send, each the value of an environment variable.",
    "targets.bindings": "Which metric feeds a signal, where the one found by itself is not the one you want.",
    "views": "Named arrangements of the live screen: v goes from one to the next, and back to the first table's.",
    "keys": "Keys by action, as the help screen (?) names them.",
    "profile": "How a process is profiled.",
    "profile.presets": "Named sets of options for a capture.",
    "profile.on_objective_missed": "A capture by itself when an objective is missed. Without this table there is none.",
    "profile.categories": "Modules by kind of work (framework, your code, database, outbound, waiting, other); "
    "they go before the built-in table. With a / it is a part of a path.",
    "limits": "Beyond these we degrade, and say so. Sizes as 512B, 64KiB, 16MiB or a number of bytes.",
}


def options_by_key() -> dict[str, Option]:
    """Options that a variable or a flag can set, by dotted key: one value for the whole program."""
    return {
        **{option.key: option for option in SETTINGS},
        **{f"profile.{option.key}": option for option in PROFILE},
        **{f"limits.{option.key}": option for option in LIMITS},
    }


def environment_variable(key: str) -> str:
    """Return the environment variable of a dotted key: TPUTTUI_PROFILE_RATE."""
    return "TPUTTUI_" + key.replace(".", "_").upper()
