"""Effective settings as values, each with its origin.

Four sources are merged: the defaults here, the config file, the environment, the flags (see
`settings.setting_layers.load_settings`). Rooms above read `Settings` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tputtui.frozen import frozen
from tputtui.model import Match

Background = Literal["auto", "light", "dark"]


@frozen
class TargetSettings:
    """Target as configured. Secrets are named by file or variable, except those within `url`."""

    name: str | None = None  # None: named after its address
    # as typed: may carry credentials, so it is never shown as it is
    url: str = field(default="", repr=False)
    # in place of `url`: a Prometheus-compatible server, as typed
    prometheus: str = field(default="", repr=False)
    match: tuple[Match, ...] = ()  # selects the series of the server
    tenant: str | None = None
    service: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers_file: Mapping[str, str] = field(default_factory=dict)
    headers_env: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password_file: str | None = None
    password_env: str | None = None
    token_file: str | None = None
    token_env: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure: bool = False  # the certificate is not checked
    # signal -> its binding in the config
    bindings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    timeout_s: float | None = None  # of one scrape; None: as `Settings`
    max_body_bytes: int | None = None  # None: as `Limits`
    max_series: int | None = None

    @property
    def address(self) -> str:
        """Address to request, as typed: may carry credentials."""
        return self.prometheus or self.url


@frozen
class Limits:
    """Limits beyond which data is left out and that reported. Bytes are those after inflating."""

    body_bytes: int = 16 * 1024 * 1024
    header_bytes: int = 64 * 1024
    line_bytes: int = 64 * 1024
    redirects: int = 5
    series_per_target: int = 50_000
    series_total: int = 200_000
    labels: int = 64  # of one series
    name_bytes: int = 512
    value_bytes: int = 4096  # of one label value


@frozen
class ProfilePreset:
    """Named set of options for a capture."""

    duration_s: float
    rate_hz: int
    subprocesses: bool = False
    native: bool = False
    blocking: bool = False
    idle: bool = True
    gil: bool = False


@frozen
class ProfileTrigger:
    """Automatic capture of a process when an objective is missed.

    It starts after `after_s` of missing it, at most once in `every_s`.
    """

    process: str  # ":8000" (the process that listens there), or a process's name
    after_s: float = 30.0
    every_s: float = 600.0
    preset: str | None = None  # a key of `ProfileSettings.presets`


@frozen
class ProfileSettings:
    """Default options of py-spy."""

    duration_s: float = 10.0
    rate_hz: int = 100
    presets: Mapping[str, ProfilePreset] = field(default_factory=dict)
    # category -> module prefixes
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    on_objective_missed: ProfileTrigger | None = None  # None: no automatic capture


@frozen
class ViewSettings:
    """Named layout of the live screen."""

    panels: tuple[str, ...] = ()  # empty: all that have room
    chart: str = ""  # "[TARGET/]FAMILY" with a panel of its own; "": none
    window_s: float | None = None  # None: as `Settings`


@frozen
class Settings:
    """Effective settings; `origins` has the source of each value by key, such as "limits.body"."""

    targets: tuple[TargetSettings, ...] = ()
    # Prometheus-compatible servers, queried in place of targets or beside them
    servers: tuple[TargetSettings, ...] = ()
    interval_s: float = 1.0
    window_s: float = 10.0
    timeout_s: float = 10.0  # of one whole scrape, whatever the interval
    quantiles: tuple[float, ...] = (0.5, 0.9, 0.99)
    objectives: tuple[str, ...] = ()
    by: tuple[str, ...] = ()  # labels of the breakdown, in place of those detected
    own: tuple[str, ...] = ()  # packages of the user's own code, for profiles
    discover: bool = True  # look for local listeners when no target is named
    panels: tuple[str, ...] = ()  # shown on the live screen; empty: all that have room
    chart: str = ""  # "[TARGET/]FAMILY" with a panel of its own from the start
    theme: str = "auto"
    background: Background = "auto"
    ascii: bool = False
    mouse: bool = True
    color: bool = True
    read_only: bool = False
    views: Mapping[str, ViewSettings] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)  # action id -> key
    profile: ProfileSettings = ProfileSettings()
    limits: Limits = Limits()
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # shown to the user once, at the start
