"""`--baseline RUN`: the figures it takes, and the errors for an unusable run."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_runs import record

from tputtui.cli.baseline_run import read_baseline
from tputtui.cli.parser import UsageError
from tputtui.signals.rates import history_keys


def test_a_run_gives_its_figures_with_units_and_uncertainty(
    tmp_path: Path,
) -> None:
    path = tmp_path / "before.tput.gz"
    record(path, 120)
    baseline = read_baseline(str(path))
    assert baseline is not None
    assert baseline.label == "vs before"
    assert baseline.since is None
    base = baseline.figures[history_keys.traffic("api")]
    assert base.value == pytest.approx(100.0, rel=0.02)
    assert base.unit == "req/s"
    assert base.half_width is not None
    assert base.half_width > 1.96 * 2**0.5 * 2.0, "two runs differ by 2 % each"
    assert history_keys.route("api", (("route", "/x"),)) in baseline.figures
    assert history_keys.latency("api", 0.99) not in baseline.figures


def test_a_span_between_marks_is_used_alone(tmp_path: Path) -> None:
    path = tmp_path / "before.tput.gz"
    record(path, 90, mark_at=(2, 38))
    full, part = read_baseline(str(path)), read_baseline(f"{path}@mark 2..mark 38")
    assert full is not None
    assert part is not None
    assert part.label == "vs before@mark 2..mark 38"
    assert (
        part.figures[history_keys.errors("api")].value
        == 0.0
        < full.figures[history_keys.errors("api")].value
    )


def test_without_the_flag_there_is_no_baseline() -> None:
    assert read_baseline(None) is None


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("none.tput.gz", "none.tput.gz"),
        ("text.tput.gz", "text.tput.gz"),
        ("good.tput.gz@nowhere..", "'nowhere' is no moment"),
        ("good.tput.gz:api", "leave :api away"),
        ("short.tput.gz", "nothing was measured"),
    ],
)
def test_an_unusable_baseline_is_a_one_line_error(tmp_path: Path, word: str, says: str) -> None:
    record(tmp_path / "good.tput.gz", 20)
    record(tmp_path / "short.tput.gz", 1)
    (tmp_path / "text.tput.gz").write_text("hello", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_baseline(str(tmp_path / word))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
