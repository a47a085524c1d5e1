"""Convert the settings of a target to those of its endpoint."""

from __future__ import annotations

from tputtui import settings
from tputtui.scrape import http_fetch
from tputtui.scrape.address import parse_address
from tputtui.scrape.credentials import Secret, learn_all
from tputtui.text.redaction import learn
from tputtui.text.target_redactor import TargetRedactor

_PUBLIC_HEADERS = frozenset(
    ("accept", "accept-language", "host", "thanos-tenant", "user-agent", "x-scope-orgid")
)


def endpoint_settings(
    target: settings.TargetSettings, all_settings: settings.Settings
) -> http_fetch.EndpointSettings:
    """Build the endpoint's settings; configured credentials have priority over those of the URL.

    Raises ValueError if the URL is invalid (see `address.parse_address`).
    """
    address, limits = parse_address(target.address), all_settings.limits
    password = _secret(target.password_file, target.password_env)
    if password is None and address.password:
        password = Secret.text(address.password)
    return http_fetch.EndpointSettings(
        name=target.name or address.name,
        url=address.url,
        service=target.service,
        headers={
            **({"X-Scope-OrgID": Secret.public(target.tenant)} if target.tenant else {}),
            **{name: _header(name, value) for name, value in target.headers.items()},
            **{name: Secret.file(path) for name, path in target.headers_file.items()},
            **{name: Secret.environment(variable) for name, variable in target.headers_env.items()},
        },
        username=target.username or address.username,
        password=password,
        bearer=_secret(target.token_file, target.token_env),
        ca_file=target.ca_file,
        cert_file=target.cert_file,
        key_file=target.key_file,
        insecure=target.insecure,
        max_body_bytes=target.max_body_bytes or limits.body_bytes,
        max_series=target.max_series or limits.series_per_target,
        max_header_bytes=limits.header_bytes,
        max_redirects=limits.redirects,
        timeout_s=target.timeout_s or all_settings.timeout_s,
    )


def learn_secrets(target: settings.TargetSettings) -> None:
    """Redact the secrets of a target in every text from now on, before it is named.

    Reads files and variables. Raises ValueError if the URL is invalid (see
    `address.parse_address`).
    """
    endpoint = endpoint_settings(target, settings.Settings())
    learn_all((endpoint.password, endpoint.bearer, *endpoint.headers.values()))
    TargetRedactor(endpoint.url)  # learns the values of its query
    if endpoint.username and endpoint.password is None:  # a token in place of a name
        learn(endpoint.username)


def _header(name: str, value: str) -> Secret:
    return Secret.public(value) if name.lower() in _PUBLIC_HEADERS else Secret.text(value)


def _secret(file: str | None, variable: str | None) -> Secret | None:
    if file:
        return Secret.file(file)
    return Secret.environment(variable) if variable else None
