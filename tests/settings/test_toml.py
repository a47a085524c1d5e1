"""Text of a config file: all errors at once, each with its position."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tputtui.scrape.address import parse_address
from tputtui.settings import ProfilePreset, ProfileTrigger, schema, settings_reference
from tputtui.settings.config_reader import ConfigFile, SettingsError, Validators, parse_config
from tputtui.settings.setting_layers import FlagValue, load_settings
from tputtui.tui import theme_files
from tputtui.tui.keys import check_remapped

OUTSIDE = Validators(
    check_url=parse_address, check_theme=theme_files.check_theme, check_keys=check_remapped
)


def config(text: str) -> ConfigFile:
    return parse_config(text, "/etc/t/config.toml", OUTSIDE, "/home/me")


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        config(text)
    return [str(problem).removeprefix("/etc/t/config.toml:") for problem in caught.value.problems]


def test_all_problems_are_reported_together_with_line_and_key() -> None:
    text = """\
interval = "0s"
windw = "3s"
quantiles = [0.5, 2]

[[targets]]
name = "a"
url = "file:///x"

[[targets]]
name = "a"
tokn_file = "x"

[limits]
body = -1
"""
    reported = problems(text)
    assert [line.partition(": ")[0] for line in reported] == [
        "1",
        "2",
        "3",
        "7",
        "9",
        "10",
        "11",
        "14",
    ]
    assert reported[0] == '1: interval: "0s" is not a duration from 0.1 s to 3600 s, such as "1s"'
    assert reported[1] == '2: windw: unknown key, did you mean "window"?'
    assert "only http and https" in reported[3]
    assert "needs a url" in reported[4]
    assert 'targets[2].tokn_file: unknown key, did you mean "token_file"?' in reported[6]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval = -1", "-1 is not a duration"),
        ("interval = 1e999", "inf is not a duration"),
        ("interval = nan", "nan is not a duration"),
        ("interval = true", "true is not a duration"),
        ("discover = 1", "1 is not true or false"),
        ("theme = ''", "not a text"),
        ("background = 'drak'", 'did you mean "dark"?'),
        ("quantiles = 'x'", "between 0 and 1"),
        ("targets = 3", "headed [[targets]]"),
        ("targets = [3]", "3 is not a table"),
        ("profile = 3", "3 is not a table"),
        ("[profile.presets]\ndeep = 3", "3 is not a table"),
        ("limits.body = '16 MB or so'", "such as"),
        ("objectives = ['p99']", "such as"),
        ("[[targets]]\nurl = ':99999'", "port"),
        ('[[targets]]\nurl = "http://h:1/a\\r\\nb"', "control character"),
        ("[[targets]]\nurl = ':1'\npassword_file = 'x'", "needs its username"),
        ("[[targets]]\nurl = ':1'\ntoken_file = 'x'\ntoken_env = 'Y'", "keep one"),
        ("[[targets]]\nurl = ':1'\nkey_file = 'x'", "cert_file"),
        ("[[targets]]\nurl = ':1'\n[targets.headers]\na = \"b\\nc\"", "printable"),
        ("[[targets]]\nurl = ':1'\n[targets.bindings]\ntrafic = 'x'", 'did you mean "traffic"?'),
        ("[[targets]]\nurl = ':1'\n[targets.bindings.errors]\nmatch = 'x'", "belongs where"),
        ("discover = 'yes'", '"yes" is not true or false'),
        ("quantiles = '0.5,0.9'", "is not a list"),
        ("quantiles = ['0.5']", '"0.5" is not a number'),
        ("own = 'shop'", "is not a list of texts"),
        ("[profile]\nrate = '100'", '"100" is not a whole number'),
        (
            "[[targets]]\nurl = ':1'\ninsecure = \"yes\"",
            'targets[1].insecure: "yes" is not true or false',
        ),
        ("[limits]\nmax_serie = 3", 'did you mean "series_per_target"?'),
        ("[limits]\nqqq = 3", "known are body, header, line"),
        (
            "[[objectives]]\np99 = '250ms'",
            'a table is not an objective; objectives = ["p99<=250ms"]',
        ),
        ("theme = 'drak'", '"drak" is no theme, did you mean "dark"; there are auto, dark'),
        ("[keys]\nprofile = 'q'", "keys.profile: q is the key of quit"),
        ("[keys]\nquit = 'nonkey'", "keys.quit: 'nonkey' is no key"),
        ("[keys]\nquti = 'x'", 'did you mean "quit"'),
        ("[profile.presets.deep]\nblocking = 'yes'", "profile.presets.deep.blocking"),
        ("[profile.presets.deep]\ndurations = '9s'", 'did you mean "duration"'),
        ("[profile.categories]\ndatabase = 'sqlalchemy'", "is not a list of texts"),
        ("[profile.on_objective_missed]\nafter = '30s'", "which process"),
        (
            "[profile.on_objective_missed]\nprocess = ':1'\npreset = 'deep'",
            "there is no [profile.presets]",
        ),
        ("[profile.on_objective_missed]\nprocess = ':1'\nevery = 'often'", "not a duration"),
        ("panels = ['througput']", 'did you mean "throughput"?'),
        ("chart = 3", "3 is not a metric name"),
        ("[views.load]\npanel = []", 'views.load.panel: unknown key, did you mean "panels"'),
        ("views = 3", "3 is not a table"),
        ("profile.on_objective_missed = true", "true is not a table"),
        ("a = ", "not TOML"),
        ("a = [", "not TOML"),
        ("x = " + "[" * 5000, "not TOML|nested"),
    ],
)
def test_a_fault_is_described_in_one_line(text: str, expected: str) -> None:
    (problem, *_) = problems(text)
    assert any(word in problem for word in expected.split("|"))
    assert problem.isprintable()


def test_a_header_s_value_is_never_quoted() -> None:
    (problem,) = problems(
        "[[targets]]\nurl = ':1'\n[targets.headers]\nAuthorization = \"geheim\\n\""
    )
    assert "geheim" not in problem


def test_relative_paths_start_at_the_file_or_at_home() -> None:
    text = "[[targets]]\nurl = ':1'\ntoken_file = '~/t'\nca_file = 'ca.pem'\ncert_file = '/c.pem'"
    (target,) = config(text).values["targets"]
    assert (target.token_file, target.ca_file, target.cert_file) == (
        "/home/me/t",
        "/etc/t/ca.pem",
        "/c.pem",
    )


def test_bindings_are_stored_under_the_names_of_signals() -> None:
    text = "[[targets]]\nurl = ':1'\n[targets.bindings]\ntraffic = 'hits_total'\n[targets.bindings.errors]\nlabel = 'code'\nvalues = ['500']"
    (target,) = config(text).values["targets"]
    assert target.bindings == {
        "traffic": {"family": "hits_total"},
        "errors": {"label": "code", "values": ("500",)},
    }


def test_the_starter_file_is_valid_once_its_lines_are_uncommented() -> None:
    lines = [
        line.removeprefix("# ") for line in settings_reference.render_starter_config().splitlines()
    ]
    wanted = [line for line in lines if line.startswith("[") or " = " in line]
    wanted = [
        line
        for line in wanted
        if not line.startswith(("password_env", "token_file", "token_env", "prometheus", "match"))
    ]
    assert config("\n".join(wanted)).values["interval"] == 1.0


def test_the_starter_file_as_it_is_sets_nothing() -> None:
    assert config(settings_reference.render_starter_config()).values == {}


@pytest.mark.parametrize(
    "option", [*schema.SETTINGS, *schema.PRESET, *schema.LIMITS, *schema.TARGET, *schema.BINDING]
)
def test_every_example_and_default_is_allowed(option: schema.Option) -> None:
    for text in filter(None, (option.default, option.example)):
        option.value_type.read(tomllib.loads(f"x = {text}")["x"])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_text_breaks_the_reader(text: str) -> None:
    message = ""
    try:
        config(text)
    except SettingsError as error:
        message = "".join(str(problem) for problem in error.problems)
    assert message.isprintable()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(_VALUES)
@example("")
def test_every_type_returns_a_value_or_an_error(value: object) -> None:
    for option in (
        *schema.SETTINGS,
        *schema.PRESET,
        *schema.LIMITS,
        *schema.TARGET,
        *schema.BINDING,
    ):
        message = "a value"
        try:
            assert (
                option.value_type.read(value) is not None
            )  # "" is a value, too: for `chart` it means none
        except ValueError as error:
            message = str(error)
        assert message


def test_presets_categories_and_the_trigger_become_typed_settings() -> None:
    text = """
[profile]
duration = "20s"
[profile.presets.deep]
native = true
rate = 250
[profile.categories]
database = ["ourdb"]
[profile.on_objective_missed]
process = ":8000"
after = "1m"
preset = "deep"
"""
    profile = load_settings(
        config(text), {}, {"profile.duration": FlagValue("--for", "30s")}
    ).profile
    assert profile.presets == {"deep": ProfilePreset(duration_s=30.0, rate_hz=250, native=True)}
    assert profile.categories == {"database": ("ourdb",)}
    assert profile.on_objective_missed == ProfileTrigger(":8000", 60.0, 600.0, "deep")
