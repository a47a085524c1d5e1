"""Targets of a call and their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tputtui.cli.output import ascii_reason, format_columns
from tputtui.cli.parser import UsageError, parse_arguments
from tputtui.cli.resolve_settings import EffectiveSettings, effective_settings, name_targets
from tputtui.model import Match
from tputtui.scrape.address import redact
from tputtui.settings import TargetSettings, settings_reference
from tputtui.settings.config_reader import SettingsError


def of(*argv: str, config: Path | None = None) -> EffectiveSettings:
    return effective_settings(
        parse_arguments(argv), {"TPUTTUI_CONFIG": str(config) if config else "/dev/null"}
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(
        '[[targets]]\nname = "api"\nurl = ":8000"\n[[targets]]\nname = "db"\nurl = ":9000/m"\n'
    )
    path.chmod(0o600)
    return path


def test_without_arguments_the_config_s_targets_are_used(config: Path) -> None:
    assert [target.name for target in of("stream", config=config).settings.targets] == ["api", "db"]


def test_arguments_choose_targets_in_their_order(config: Path) -> None:
    settings = of("stream", "db", "http://h:1/x", config=config).settings
    assert [target.name for target in settings.targets] == ["db", "h:1"]
    assert settings.origins["targets"] == "command line"


def test_an_unknown_name_gets_a_hint(config: Path) -> None:
    with pytest.raises(UsageError, match='did you mean "api"'):
        of("stream", "apj", config=config)
    with pytest.raises(UsageError, match="it has api, db"):
        of("stream", "zzz", config=config)
    with pytest.raises(UsageError, match="a host needs its port: localhost:PORT"):
        of("localhost")


@pytest.mark.parametrize(
    "word",
    ["file:///etc/passwd", "http://h:99999", "http://", ":0", "http://h:1/\x1b[2J", "ftp://h:1"],
)
def test_an_invalid_address_is_a_one_line_error(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        of(word)
    assert str(caught.value).isprintable()


def test_a_duplicate_target_counts_once_and_is_reported() -> None:
    settings = of("stream", ":8000", "127.0.0.1:8000/metrics").settings
    assert [target.name for target in settings.targets] == ["127.0.0.1:8000"]
    assert settings.notes == ("http://127.0.0.1:8000/metrics is named twice and counts once",)


def test_localhost_and_127_0_0_1_are_one_target_and_that_is_reported() -> None:
    settings = of("stream", "localhost:8000", ":8000").settings
    assert [target.name for target in settings.targets] == ["localhost:8000"]
    (note,) = settings.notes
    assert note.startswith(
        "http://localhost:8000/metrics is named twice (as http://127.0.0.1:8000/metrics, too)"
    )


@pytest.mark.parametrize(
    "arguments",
    [(":1/a", ":1/b", "https://127.0.0.1:1/b", "http://me@h:1/m", "http://h:1/m", ":2")],
)
def test_names_do_not_depend_on_the_order_of_the_targets(arguments: tuple[str, ...]) -> None:
    named = []
    for order in (arguments, arguments[::-1], (*arguments[3:], *arguments[:3])):
        targets, _ = name_targets(TargetSettings(url=word) for word in order)
        named.append({target.url: target.name for target in targets})
    assert named[0] == named[1] == named[2]
    assert len(set(named[0].values())) == len(arguments)
    assert named[0][":2"] == "127.0.0.1:2"
    assert named[0][":1/a"] == "127.0.0.1:1/a"


def test_a_mistyped_verb_gets_a_hint() -> None:
    with pytest.raises(UsageError, match=r'"strem" is no verb .* did you mean "stream"\?$'):
        of("strem")


def test_the_problems_of_file_environment_and_flags_are_reported_together(config: Path) -> None:
    config.write_text('theme = "drak"\n[keys]\nprofile = "q"\nfreeze = "nonkey"\n')
    environ = {"TPUTTUI_CONFIG": str(config), "TPUTTUI_THEME": "nope"}
    for verb in ("stream", "check", "config show", "discover", "demo", ""):
        with pytest.raises(SettingsError) as caught:
            effective_settings(parse_arguments([*verb.split(), "--interval", "0s"]), environ)
        lines = [str(problem).removeprefix(f"{config}") for problem in caught.value.problems]
        assert [line.partition(": ")[0] for line in lines] == [
            ":1",
            ":3",
            ":4",
            "--interval",
            "TPUTTUI_THEME",
        ]


def test_a_broken_theme_of_the_user_is_found_without_a_screen(tmp_path: Path) -> None:
    themes = tmp_path / "tputtui" / "themes"
    themes.mkdir(parents=True)
    (themes / "mine.toml").write_text("[roles]\nplain = 'bleu'\n")
    environ = {"TPUTTUI_CONFIG": "/dev/null", "XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(SettingsError, match=r"--theme: mine\.toml: role 'dim' has no colour"):
        effective_settings(parse_arguments(["check", "--theme", "mine"]), environ)


def test_two_paths_of_one_port_have_names_of_their_own() -> None:
    targets, twice = name_targets(
        [TargetSettings(url=":1/a"), TargetSettings(url=":1/b"), TargetSettings(":1", ":2")]
    )
    assert len({target.name for target in targets}) == 3
    assert twice == ()


def test_targets_come_from_a_file_as_prometheus_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "targets.json"
    labels = {"job": "web", "__scheme__": "https", "__metrics_path__": "/m"}
    path.write_text(
        json.dumps([{"targets": ["a:1", "b:2"], "labels": labels}, {"targets": ["c:3"]}])
    )
    targets = of("stream", "--targets-from", str(path)).settings.targets
    assert [(target.url, target.service) for target in targets] == [
        ("https://a:1/m", "web"),
        ("https://b:2/m", "web"),
        ("http://c:3/metrics", None),
    ]


@pytest.mark.parametrize(
    "content", ["", "{}", "[3]", '[{"targets": "a:1"}]', '[{"targets": ["a b"]}]', "[" * 10000]
)
def test_an_invalid_targets_file_is_a_one_line_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "targets.json"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        of("stream", "--targets-from", str(path))
    assert str(caught.value).isprintable()
    with pytest.raises(UsageError, match="there is no such file"):
        of("stream", "--targets-from", str(path) + ".gone")


@pytest.mark.parametrize(
    ("environ", "utf8_mode", "because"),
    [
        ({}, 0, ""),
        ({"LC_CTYPE": "C.UTF-8"}, 1, ""),
        ({"LANG": "de_DE.utf8"}, 0, ""),
        (
            {"LANG": "C", "LC_CTYPE": "C.UTF-8"},
            1,
            "locale LANG=C",
        ),  # the encoding that Python derives from LANG=C
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, 0, ""),  # the encoding that a user sets
        ({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, 1, "locale LC_ALL=POSIX"),
        ({"LANG": "en_US.ISO-8859-1"}, 0, "locale LANG=en_US.ISO-8859-1"),
    ],
)
def test_the_locale_decides_whether_the_terminal_is_utf8(
    environ: dict[str, str], utf8_mode: int, because: str
) -> None:
    assert ascii_reason(environ, utf8_mode) == because


def test_columns_line_up_by_cells_and_not_by_characters() -> None:
    assert format_columns([("a", "1"), ("日本", "2"), ("abc", "3")]) == [
        "a     1",
        "日本  2",
        "abc   3",
    ]
    assert format_columns([]) == []


@pytest.mark.parametrize(
    ("flags", "attribute", "value"),
    [
        (["--interval", "500ms"], "interval_s", 0.5),
        (["--window", "30s"], "window_s", 30.0),
        (
            ["--objective", "p99<=250ms", "--objective", "rps>=10"],
            "objectives",
            ("p99<=250ms", "rps>=10"),
        ),
        (["--by", "route,method"], "by", ("route", "method")),
        (["--no-discover"], "discover", False),
        (["--read-only"], "read_only", True),
        (["--ascii"], "ascii", True),
        (["--theme", "terminal"], "theme", "terminal"),
        (["--light"], "background", "light"),
        (["--dark"], "background", "dark"),
        (["--no-mouse"], "mouse", False),
    ],
)
def test_every_common_flag_becomes_the_setting_of_every_verb(
    flags: list[str], attribute: str, value: object
) -> None:
    for verb in ("", "stream", "demo", "check", "discover", "profile 1", "config show"):
        assert getattr(of(*verb.split(), *flags).settings, attribute) == value


def test_parameters_of_a_file_s_targets_are_part_of_their_address(tmp_path: Path) -> None:
    path = tmp_path / "targets.json"
    labels = {"__param_module": "http 2xx", "__param_target": "a&b", "__metrics_path__": "probe"}
    path.write_text(json.dumps([{"targets": ["a:1"], "labels": labels}]))
    (target,) = of("stream", "--targets-from", str(path)).settings.targets
    assert target.url == "http://a:1/probe?module=http%202xx&target=a%26b"


@pytest.fixture
def with_server(tmp_path: Path) -> Path:
    path = tmp_path / "servers.toml"
    path.write_text(
        '[[targets]]\nname = "own"\nurl = ":8000"\n'
        '[[targets]]\nname = "fleet"\nprometheus = "http://me:geheim@prom:9090"\nmatch = \'env="prod"\'\ntenant = "a"\n'
        '[targets.headers_env]\nX-Key = "KEY"\n'
    )
    path.chmod(0o600)
    return path


def test_servers_of_the_config_are_polled_together_with_its_targets(with_server: Path) -> None:
    settings = of("stream", config=with_server).settings
    assert [target.name for target in settings.targets] == ["own"]
    assert [server.name for server in settings.servers] == ["fleet"]
    assert settings.servers[0].match == (Match("env", "=", "prod"),)
    shown = repr(settings_reference.list_effective_settings(settings, redact))
    assert "geheim" not in shown
    assert "env=\\\\" in shown
    assert "KEY" in shown


def test_a_server_on_the_command_line_replaces_the_config_s(with_server: Path) -> None:
    settings = of(
        "stream", "--prometheus", ":9090", "--match", '{job="api"}', config=with_server
    ).settings
    assert settings.targets == ()
    assert [(server.name, server.match) for server in settings.servers] == [
        ("127.0.0.1:9090", (Match("job", "=", "api"),))
    ]
    settings = of("stream", "own", "--prometheus", "fleet", config=with_server).settings
    assert [item.name for item in (*settings.targets, *settings.servers)] == ["own", "fleet"]
    assert settings.servers[0].tenant == "a"


def test_a_selector_needs_a_server_and_must_be_one(config: Path, with_server: Path) -> None:
    with pytest.raises(UsageError, match="--prometheus URL names one"):
        of("stream", "--match", 'job="a"', config=config)
    with pytest.raises(UsageError, match="--match: "):
        of("stream", "--match", "job=a", config=with_server)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('prometheus = "h:1"\nurl = "h:2"', "keep one of the two"),
        ('url = "h:1"\nmatch = \'a="b"\'', "prometheus names one"),
        ('prometheus = "ftp://h"', "only http and https"),
    ],
)
def test_a_server_in_the_config_is_checked(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[[targets]]\n{text}\n")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=problem):
        of("stream", config=path)


SECRETS = (
    "http://h:1/m?token=s3cr3t-A",
    "http://h:1/m?token=s3cr3t-B",
    "http://h:1/m?token=s3cr3t-C",
)


def names(*urls: str) -> list[str | None]:
    return [target.name for target in name_targets(TargetSettings(url=url) for url in urls)[0]]


def test_no_secret_of_an_address_is_in_a_name_and_the_distinguishing_part_is() -> None:
    assert names("http://h:1/ok/1", "http://h:1/ok/2?token=s3cr3t-A") == ["h:1/ok/1", "h:1/ok/2"]
    assert names("http://h:1/m", "http://h:1/m?token=s3cr3t-A") == ["h:1/m", "h:1/m?token=***"]
    assert names("http://h:1/p?target=a&auth=x", "http://h:1/p?target=b&auth=x") == [
        "h:1/p?target=a&auth=***",
        "h:1/p?target=b&auth=***",
    ]
    assert names("http://h:1/m", "https://h:1/m") == ["http://h:1/m", "https://h:1/m"]


def test_targets_that_differ_only_in_a_secret_are_numbered_in_their_order() -> None:
    assert names(*SECRETS) == ["h:1", "h:1#2", "h:1#3"]
    assert names(SECRETS[0], ":2", SECRETS[1]) == ["h:1", "127.0.0.1:2", "h:1#2"]
    assert names("http://h:1/other", *SECRETS[:2]) == ["h:1/other", "h:1/m", "h:1/m#2"]
    assert names("http://ann:pw@h:1/m", "http://bob:pw@h:1/m", "http://h:1/m") == [
        "h:1#2",
        "h:1#3",
        "h:1",
    ]


def test_a_number_is_not_the_name_of_another_target() -> None:
    named, _ = name_targets(
        [TargetSettings("h:1#2", ":9"), *(TargetSettings(url=url) for url in SECRETS)]
    )
    assert [target.name for target in named] == ["h:1#2", "h:1", "h:1#3", "h:1#4"]


def test_a_duplicate_target_counts_once_and_its_secret_is_not_shown() -> None:
    named, twice = name_targets(
        TargetSettings(url=url) for url in (SECRETS[0], SECRETS[1], SECRETS[0])
    )
    assert [target.name for target in named] == ["h:1", "h:1#2"]
    assert twice == ("http://h:1/m?token=*** is named twice and counts once",)
    _, twice = name_targets(
        TargetSettings(url=url)
        for url in ("http://localhost:1/?k=abc", "http://127.0.0.1:1/?k=abc")
    )
    assert "abc" not in twice[0]


def test_two_tenants_of_one_server_are_two_targets() -> None:
    servers = [
        TargetSettings(prometheus="http://mimir:9009", tenant=tenant) for tenant in ("a", "b", "a")
    ]
    named, twice = name_targets(servers)
    assert [(server.name, server.tenant) for server in named] == [
        ("mimir:9009", "a"),
        ("mimir:9009#2", "b"),
    ]
    assert len(twice) == 1


def test_a_secret_that_is_read_from_a_variable_or_a_file_is_hidden_in_a_path_and_in_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "Xq77-variable-41")
    (tmp_path / "token").write_text("Xq77-file-42\n")
    (tmp_path / "token").chmod(0o600)
    config = tmp_path / "config.toml"
    config.write_text(
        '[[targets]]\nurl = "http://h:1/hooks/Xq77-variable-41/m"\ntoken_env = "HOOK"\n'
        '[[targets]]\nurl = "http://h:1/Xq77-file-42"\ntoken_file = "token"\n'
        '[[targets]]\nname = "Xq77-file-42 of mine"\nurl = ":2"\n'
    )
    config.chmod(0o600)
    settings = of("stream", config=config).settings
    assert [target.name for target in settings.targets] == [
        "h:1/hooks/***/m",
        "h:1/***",
        "*** of mine",
    ]
    shown = "\n".join(format_columns(settings_reference.list_effective_settings(settings, redact)))
    assert "Xq77-variable" not in shown
    assert "h:1/hooks/***/m" in shown


@pytest.mark.parametrize(
    "line",
    [
        'token_env = "the-t0ken-itself"',
        "token_file = 47114711",
        'headers.X-Key = ["s3cr3t-A"]',
        "headers.X-Key = 47114711",
    ],
)
def test_a_mistyped_key_that_may_hold_a_secret_is_reported_without_the_value(
    tmp_path: Path, line: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[[targets]]\nurl = ":1"\n{line}\n')
    with pytest.raises(SettingsError) as caught:
        of("stream", config=config)
    (problem,) = map(str, caught.value.problems)
    assert "it is not" in problem
    assert not any(value in problem for value in ("t0ken", "4711", "s3cr3t"))
