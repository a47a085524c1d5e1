"""Prometheus-compatible servers that refuse, lie, hang or recover.

Each fault is a sentence, and nothing else is disturbed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Self

import pytest
from api_server import Answer, Fake, NativeFake, refusal, serving, success, vector

from tputtui.cli.parser import parse_arguments
from tputtui.cli.verbs import check
from tputtui.engine.engine import Engine
from tputtui.model import Snapshot
from tputtui.scrape.prometheus import api, server
from tputtui.settings import Settings, TargetSettings
from tputtui.settings.expressions import parse_matchers
from tputtui.signals.rates.past import PastNames, PastRequest

pytestmark = pytest.mark.slow

PATIENCE_S = 12.0
TIMEOUT_S = 0.5


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(Fake()) as server:
        yield server


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between attempts."""
    for name, seconds in (
        ("SHORTEST_RETRY_S", 0.1),
        ("LONGEST_RETRY_S", 0.4),
        ("BUSY_RETRY_S", 0.6),
    ):
        monkeypatch.setattr(api, name, seconds)


class Watch:
    """Engine and its snapshots."""

    def __init__(self, *servers: TargetSettings, targets: tuple[TargetSettings, ...] = ()) -> None:
        self.snapshots: list[Snapshot] = []
        self.engine = Engine(
            Settings(
                targets=targets,
                servers=servers,
                interval_s=0.2,
                window_s=2.0,
                timeout_s=TIMEOUT_S,
                discover=False,
            )
        )
        self.engine.subscribe(self.snapshots.append)

    def __enter__(self) -> Self:
        self.engine.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.stop()
        assert self.engine.failure is None

    def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        """Return the next snapshot that meets the condition."""
        end = time.monotonic() + PATIENCE_S
        already_seen = len(self.snapshots)
        while time.monotonic() < end:
            for snapshot in self.snapshots[already_seen:]:
                already_seen += 1
                if condition(snapshot):
                    return snapshot
            time.sleep(0.02)
        pytest.fail(
            f"it did not come: {self.snapshots[-1].targets if self.snapshots else 'nothing came at all'}"
        )


def at(fake: Fake, **more: object) -> TargetSettings:
    return TargetSettings(name="prom", prometheus=f"http://127.0.0.1:{fake.port}", **more)  # type: ignore[arg-type]


def is_down(snapshot: Snapshot) -> bool:
    return snapshot.is_ready and [target.state for target in snapshot.targets] == ["down"]


def has_failed(kind: str) -> Callable[[Snapshot], bool]:
    """Return whether the server is down, or slow past its deadline, with a sentence."""
    state = "slow" if kind == "hangs" else "down"
    return lambda snapshot: (
        snapshot.is_ready
        and [(target.state, target.error is None) for target in snapshot.targets]
        == [(state, False)]
    )


def has_rates(snapshot: Snapshot) -> bool:
    traffic = snapshot.services[0].traffic if snapshot.services else None
    return traffic is not None and traffic.rps is not None


HUGE = b" " * 100_000_000

REFUSALS: dict[str, tuple[Callable[[str], Answer | None], str]] = {
    "credentials": (
        lambda _: (401, "text/plain", b"Unauthorized"),
        "HTTP 401 Unauthorized: set credentials for this target",
    ),
    "tenant": (
        lambda _: (401, "text/plain", b"no org id"),
        "HTTP 401: the server wants to know a tenant",
    ),
    "execution": (
        lambda _: refusal(
            422, "execution", "query processing would load too many samples into memory"
        ),
        "the server refuses the query: query processing would load too many samples into memory (HTTP 422)",
    ),
    "busy": (
        lambda _: refusal(503, "timeout", "query timed out in expression evaluation"),
        "the server gave up: query timed out",
    ),
    "proxy": (
        lambda _: (503, "text/html", b"<html>no upstream</html>"),
        "HTTP 503 Service Unavailable",
    ),
    "too many": (
        lambda _: refusal(429, "too_many", "too many outstanding requests"),
        "too much to do: too many outstanding",
    ),
    "hangs": (lambda _: None, "no answer within 0.5 s"),
    "a page": (
        lambda _: (200, "text/html", b"<html>Login</html>"),
        "not as a Prometheus server does",
    ),
    "not found": (
        lambda _: (404, "text/plain", b"404 page not found"),
        "no Prometheus API at this address (HTTP 404)",
    ),
    "100 MB": (lambda _: (200, "application/json", HUGE), "body larger than 16 MiB"),
    "other JSON": (lambda _: success("scalar"), "no vector of numbers"),
    "no numbers": (
        lambda _: success({"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}),
        "no vector of numbers",
    ),
    "deep": (
        lambda _: (200, "application/json", b"[" * 100_000),
        "not as a Prometheus server does",
    ),
    "empty": (lambda _: vector([]), "the server has no series"),
    "escapes": (
        lambda _: refusal(400, "bad_data", "\x1b[31mred\x1b]0;x\x07"),
        "the server refuses the query: ",
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_fault_is_a_sentence_and_clears_by_itself(fake: Fake, kind: str) -> None:
    fake.wrong, sentence = REFUSALS[kind]
    with Watch(at(fake)) as watch:
        (target,) = watch.until(has_failed(kind)).targets
        assert target.name == "prom"
        assert sentence in (target.error or "")
        assert (target.error or "").isprintable()
        fake.wrong = None
        snapshot = watch.until(lambda item: has_rates(item) and item.targets[0].state == "up")
        assert [target.state for target in snapshot.targets] == ["up"]
        assert snapshot.services[0].traffic is not None
        assert snapshot.services[0].traffic.rps == pytest.approx(101.0)


@pytest.mark.parametrize(
    "kind", [kind for kind in REFUSALS if kind != "empty"]
)  # not a failure in that case
def test_a_server_that_fails_later_is_reported_and_recovers(fake: Fake, kind: str) -> None:
    with Watch(at(fake)) as watch:
        watch.until(has_rates)
        fake.wrong, sentence = REFUSALS[kind]
        (target,) = watch.until(has_failed(kind)).targets
        assert sentence in (target.error or "")
        fake.wrong = None
        watch.until(lambda snapshot: has_rates(snapshot) and snapshot.targets[0].state == "up")


def test_a_late_server_keeps_its_figures_for_a_window_and_then_shows_their_age(
    fake: Fake,
) -> None:
    with Watch(at(fake)) as watch:
        watch.until(lambda snapshot: has_rates(snapshot) and snapshot.targets[0].state == "up")
        fake.wrong = lambda _: None
        within = watch.until(lambda snapshot: snapshot.targets[0].state == "slow")
        assert (within.targets[0].up, has_rates(within)) == (True, True)
        beyond = watch.until(lambda snapshot: not has_rates(snapshot))
    traffic = beyond.services[0].traffic
    assert traffic is not None
    assert traffic.last is not None
    assert traffic.last.value == pytest.approx(101.0)
    assert traffic.last.age_s > 2.0
    assert beyond.targets[0].state == "slow"


def test_an_absent_server_is_queried_with_growing_pauses() -> None:
    with serving(Fake()) as fake:
        pass  # its port is released
    with Watch(at(fake)) as watch:
        (target,) = watch.until(is_down).targets
        assert target.error == "connection refused"
        with serving(fake):
            watch.until(has_rates)


def test_the_pause_doubles_up_to_a_limit(fake: Fake) -> None:
    fake.wrong = lambda _: (401, "text/plain", b"")
    with Watch(at(fake)) as watch:
        watch.until(is_down)
        time.sleep(3.0)
    moments = [when for when, _, _ in fake.asked]
    gaps = [after - before for before, after in pairwise(moments)]
    assert gaps[-1] > 1.5 * gaps[0]
    assert len(moments) < 16  # a constant 0.2 s would give 15, no pause 30


def test_a_scraped_target_is_unaffected_by_a_server_that_hangs(fake: Fake) -> None:
    fake.wrong = lambda _: None
    with serving(Fake()) as other:
        other.answer = lambda _path, _form: (  # type: ignore[method-assign, assignment]
            200,
            "text/plain",
            b"# TYPE a_total counter\na_total 1\n",
        )
        own = TargetSettings(name="own", url=f"http://127.0.0.1:{other.port}/metrics")
        with Watch(at(fake), targets=(own,)) as watch:
            watch.until(lambda snapshot: snapshot.is_ready)
            times = []
            for _ in range(8):
                newest = watch.until(lambda snapshot: snapshot.targets[0].state == "up")
                times.append(newest.targets[0].age_s or 0.0)
            assert max(times) < 0.45  # slightly more than two intervals


def test_warnings_of_the_server_are_shown(fake: Fake) -> None:
    fake.more = {
        "warnings": ["store 10.0.0.7 does not answer\x1b[31m"],
        "infos": ["forced monotonicity"],
    }
    fake.up = 1.0
    with Watch(at(fake)) as watch:
        (target,) = watch.until(
            lambda snapshot: has_rates(snapshot) and bool(snapshot.targets[0].warning)
        ).targets
    assert target.warning is not None
    assert "1 of 2 instances are down" in target.warning
    assert "store 10.0.0.7 does not answer" in target.warning
    assert "forced monotonicity" in target.warning
    assert target.warning.isprintable()


def test_one_query_a_tick_however_many_jobs() -> None:
    with (
        serving(Fake(tuple(f"job-{number}" for number in range(30)))) as fake,
        Watch(at(fake)) as watch,
    ):
        watch.until(
            lambda snapshot: (
                len(snapshot.services) == 30 and all(s.traffic for s in snapshot.services)
            )
        )
        watch.until(has_rates)
        before = len(fake.asked)
        begun = len(watch.snapshots)
        time.sleep(2.0)
        ticks = len(watch.snapshots) - begun
        asked_for = [
            form["query"] for _, path, form in fake.asked[before:] if path == "/api/v1/query"
        ]
    assert 0 < len(asked_for) <= ticks + 2
    assert all(query.count("http_requests_total{") == 1 for query in asked_for)


def test_the_rates_of_a_slow_server_cover_four_of_its_scrapes_and_it_is_queried_no_faster(
    fake: Fake,
) -> None:
    fake.scrape_s = 3.0
    with Watch(at(fake)) as watch:
        snapshot = watch.until(has_rates)
        assert snapshot.services[0].covered_s == pytest.approx(12.0)
        before = len(fake.asked)
        time.sleep(2.0)
        asked_for = [form for _, path, form in fake.asked[before:] if path == "/api/v1/query"]
    assert len(asked_for) <= 2


def test_queries_carry_the_selector_and_the_tenant(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_TOKEN", "geheim-1")
    monkeypatch.setenv("PROM_KEY", "geheim-2")
    chosen = at(
        fake,
        match=parse_matchers('job=~"a.*",env!="dev"'),
        tenant="team-a|team-b",
        token_env="PROM_TOKEN",
        headers_env={"X-Api-Key": "PROM_KEY"},
    )
    with Watch(chosen) as watch:
        snapshot = watch.until(has_rates)
    assert "geheim" not in repr(snapshot)
    assert all(
        'job=~"a.*",env!="dev"' in form["query"]
        for _, _, form in fake.asked
        if form and form["query"] != "vector(1)"
    )
    for headers in fake.headers:
        assert headers["x-scope-orgid"] == "team-a|team-b"
        assert headers["authorization"] == "Bearer geheim-1"
        assert headers["x-api-key"] == "geheim-2"


def test_an_api_below_a_prefix_is_found(fake: Fake) -> None:
    plain = fake.answer

    def below(path: str, form: dict[str, str]) -> Answer | None:
        if not path.startswith("/prometheus/"):
            return 404, "text/plain", b"404 page not found"
        return plain(path.removeprefix("/prometheus"), form)

    fake.answer = below  # type: ignore[method-assign]
    with Watch(at(fake)) as watch:
        watch.until(has_rates)


def test_the_screen_opens_with_the_history_of_the_server(fake: Fake) -> None:
    with Watch(at(fake)) as watch:
        latest = watch.until(lambda snapshot: snapshot.history_s > 800)
        watch.until(has_rates)
        time.sleep(2.0)  # some of the past a tick
        names = PastNames(frozenset(("traffic/prom",)))
        columns = watch.engine.read_past(PastRequest(names, 600.0)).columns("traffic/prom", 10)
    assert latest.history_s <= 920
    past = columns[:-2]  # live values are in the newest column, or in two when a minute has begun
    assert all(value == pytest.approx(50.5) for value in past), (
        columns
    )  # half of the current value, by the fake


def test_the_families_of_a_job_can_be_browsed(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BROWSE_EVERY_S", 0.2)
    with Watch(at(fake)) as watch:
        watch.until(has_rates)
        watch.engine.browse("prom")
        watch.until(lambda _: watch.engine.families("prom") is not None)
        families = watch.engine.families("prom")
    assert families is not None
    assert {row.name for row in families.family_values.rows} == {
        "http_requests_total",
        "http_request_duration_seconds",
    }


def test_the_instances_are_a_breakdown(fake: Fake) -> None:
    with Watch(at(fake)) as watch:
        watch.until(has_rates)
        for _ in range(6):
            watch.engine.next_breakdown("prom")
            if watch.until(has_rates).services[0].breakdown_by == ("instance",):
                break
            time.sleep(0.3)
        watch.until(
            lambda _: "instance" in fake.asked[-1][2].get("query", "").partition("label_replace")[2]
        )


def test_check_reports_a_server_and_each_of_its_jobs(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", "--prometheus", f"127.0.0.1:{fake.port}"]
    assert check.run(parse_arguments(arguments)) == 0
    output = capsys.readouterr().out
    assert "1 jobs with 16 series" in output
    assert "job api" in output
    assert "scraped every 1 s" in output
    assert "http_requests_total  counter  req/s  by code" in output
    fake.wrong = lambda _: (401, "text/plain", b"")
    assert check.run(parse_arguments(arguments)) == 1
    assert "HTTP 401 Unauthorized" in capsys.readouterr().out


def test_the_scrape_interval_of_a_young_job_is_queried_again(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BROWSE_EVERY_S", 0.2)
    fake.samples = 1  # one sample gives no interval
    with Watch(at(fake)) as watch:
        assert watch.until(has_rates).services[0].covered_s == pytest.approx(60.0)
        fake.samples = 3
        watch.until(lambda snapshot: snapshot.services[0].covered_s == pytest.approx(4.0))


def test_a_charted_family_of_a_job_is_the_only_one_queried(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BROWSE_EVERY_S", 0.2)
    with Watch(at(fake)) as watch:
        watch.until(has_rates)
        watch.engine.browse("prom")
        watch.until(lambda _: watch.engine.families("prom") is not None)
        watch.engine.chart_family(("prom", "http_request_duration_seconds"))
        watch.engine.browse(None)
        watch.until(
            lambda snapshot: snapshot.charted is not None and snapshot.charted.rate is not None
        )
        before = len(fake.asked)
        latest = watch.until(lambda _: len(fake.asked) > before + 6)
        queries = [
            form["query"]
            for _, _, form in fake.asked[before:]
            if form.get("query", "").startswith("{")
        ]
    assert queries
    names = "|".join(f"http_request_duration_seconds{end}" for end in ("_count", "_sum"))
    assert set(queries) == {f'{{job="api",__name__=~"{names}",__name__!=""}}'}
    assert has_rates(latest), "what is charted must not be taken for all there is"


def test_a_native_histogram_has_its_quantiles() -> None:
    with serving(NativeFake()) as fake, Watch(at(fake)) as watch:
        latency = watch.until(has_rates).services[0].latency
        assert latency is not None
        assert latency.family == "http_request_duration_seconds"
        assert [quantile.value for quantile in latency.quantiles[:2]] == [
            pytest.approx(0.05 + 0.05 * 50 / 60),
            pytest.approx(0.175),
        ]
        assert latency.mean == pytest.approx(0.09)
        assert not any("_seconds_bucket" in form.get("query", "") for _, _, form in fake.asked)


def test_a_job_without_data_on_the_server_has_no_rate_and_a_reason(fake: Fake) -> None:
    with Watch(at(fake)) as watch:
        watch.until(has_rates)
        fake.wrong = lambda _: vector([])
        snapshot = watch.until(is_down)
    assert snapshot.targets[0].error == "the server answers nothing for this job"
    assert not has_rates(snapshot)


@pytest.mark.parametrize(
    ("answer", "row"),
    [
        (
            lambda: vector([], warnings=["store 10.0.0.7 does not answer"]),
            "warning    store 10.0.0.7 does not answer",
        ),
        (lambda: vector([]), "empty      the server answers nothing for this job"),
        (
            lambda: refusal(422, "execution", "too many chunks"),
            "down       the server refuses the query: too many chunks",
        ),
    ],
    ids=["warned", "empty", "refused"],
)
def test_check_sends_the_queries_of_a_tick_and_shows_the_faults_of_the_answer(
    fake: Fake, capsys: pytest.CaptureFixture[str], answer: Callable[[], Answer], row: str
) -> None:
    plain = fake.answer

    def of_rates(path: str, form: dict[str, str]) -> Answer | None:
        return answer() if "rate(" in form.get("query", "") else plain(path, form)

    fake.answer = of_rates  # type: ignore[method-assign]
    code = check.run(parse_arguments(["check", "--prometheus", f"127.0.0.1:{fake.port}"]))
    assert row in capsys.readouterr().out
    assert code == (1 if "refuses" in row else 0)
