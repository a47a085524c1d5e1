"""The scanner on small bodies: grammar, bad lines, limits, wanted names."""

from __future__ import annotations

import math

import pytest

from tputtui.model import Exposition
from tputtui.scrape.scanner import NotAnExpositionError, ScanLimits, Scanner
from tputtui.text import clean

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def scan(body: str | bytes, content_type: str | None = "text/plain") -> Exposition:
    return Scanner().scan(body.encode() if isinstance(body, str) else body, content_type)


def values(exposition: Exposition) -> dict[str, float]:
    return {repr(series): value for series, value in exposition.samples.items()}


def rejection(body: str | bytes, content_type: str | None = "text/plain") -> str:
    warning = scan(body, content_type).warning
    assert warning is not None
    assert clean(warning) == warning
    return warning.removeprefix("Prometheus would reject this scrape: ")


class TestSamples:
    def test_a_series_is_its_name_and_its_sorted_labels(self) -> None:
        (series,) = scan('x_total{b="2",a="1"} 5\n').samples
        assert series.key == ("x_total", (("a", "1"), ("b", "2")))

    def test_order_and_spelling_of_labels_do_not_create_another_series(self) -> None:
        exposition = scan('x{b="2",a="1"} 5\nx{ a = "1" , b="2", } 6\nx{a="1",b="2",c=""} 7\n')
        assert list(exposition.samples.values()) == [5.0]
        assert exposition.duplicates == 2
        assert exposition.series == 1

    def test_the_same_series_is_the_same_object_in_every_scan(self) -> None:
        scanner = Scanner()
        first, second = (scanner.scan(f'x{{a="1"}} {n}\ny {n}\n'.encode()) for n in (1, 2))
        assert all(left is other for left, other in zip(first.samples, second.samples, strict=True))

    def test_samples_keep_the_order_of_the_body(self) -> None:
        assert [series.name for series in scan("b 1\na 2\nb 3\nc 4\n").samples] == ["b", "a", "c"]

    def test_only_the_known_escapes_are_resolved(self) -> None:
        (series,) = scan(r'x{v="a\"b\\c\nd\e"} 1' + "\n").samples
        assert series.label("v") == 'a"b\\c\nd\\e'

    def test_braces_and_hashes_inside_of_a_value_are_part_of_it(self) -> None:
        body = 'x{v="}"} 1\nx{v="} 1 # {"} 2\nx{v="a # {b}"} 3\n'
        scanner = Scanner()
        for _ in range(2):
            exposition = scanner.scan(body.encode())
            assert list(exposition.samples.values()) == [1, 2, 3]
            assert exposition.warning is None

    def test_quoted_names_are_read_as_names(self) -> None:
        exposition = scan(
            '# TYPE "my.metric" counter\n{"my.metric","dotted.label"="y",a="b"} 1\nplain{"q.l"="v"} 3\n'
        )
        assert values(exposition) == {
            "Series(my.metric{a='b',dotted.label='y'})": 1.0,
            "Series(plain{q.l='v'})": 3.0,
        }
        assert exposition.families["my.metric"].type == "counter"

    @pytest.mark.parametrize(
        ("token", "value"),
        [
            ("NaN", math.nan),
            ("+Inf", math.inf),
            ("-inf", -math.inf),
            ("Infinity", math.inf),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e-400", 0.0),
            ("-0", -0.0),
            ("+3", 3.0),
            ("1E3", 1000.0),
        ],
    )
    def test_a_float_of_prometheus_is_read(self, token: str, value: float) -> None:
        exposition = scan(f"x {token}\n")
        (read,) = exposition.samples.values()
        assert read == value or (math.isnan(read) and math.isnan(value))
        assert exposition.warning is None

    @pytest.mark.parametrize(
        "token",
        [
            "1e400",
            "-1e400",
            "9" * 5000,
            "1_000",
            "0x1p-2",
            "0x10",
            "0b11",
            "+nan",
            "1,5",
            "٣",
            "1e",
            "--1",
            "1\x00",
        ],
    )
    def test_a_float_of_python_only_is_a_bad_line(self, token: str) -> None:
        exposition = scan(f"# TYPE x gauge\nx {token}\ny 1\n")
        assert values(exposition) == {"Series(y)": 1.0}
        assert exposition.skipped_lines == 1

    def test_timestamps_are_milliseconds_and_kept_beside_the_samples_that_carry_one(self) -> None:
        exposition = scan('x{a="1"} 1 1700000000500\nx 2\t1700000000000\ny 3\n')
        assert list(exposition.samples.values()) == [1, 2, 3]
        assert {str(series): time for series, time in exposition.timestamps.items()} == {
            "Series(x{a='1'})": 1700000000.5,
            "Series(x)": 1700000000.0,
        }
        assert exposition.warning is None

    def test_a_timestamp_is_read_again_in_every_scan(self) -> None:
        scanner = Scanner()
        for time in (1_700_000_000_000, 1_700_000_015_000, None):
            body = "x 1\n" if time is None else f"x 1 {time}\n"
            stamps = list(scanner.scan(body.encode()).timestamps.values())
            assert stamps == ([] if time is None else [time / 1000])

    def test_tabs_and_missing_blanks_are_accepted_as_separators(self) -> None:
        scanner = Scanner()
        for _ in range(2):
            exposition = scanner.scan(b'x\t1\ny  2\nz{a="1"}3\n')
            assert list(exposition.samples.values()) == [1, 2, 3]

    def test_an_empty_body_and_comments_alone_are_valid(self) -> None:
        for body in ("", "\n\n", "# nothing\n# TYPE x counter\n"):
            exposition = scan(body)
            assert (exposition.series, exposition.warning, exposition.truncated) == (0, None, False)


class TestFamilies:
    def test_types_apply_by_name_wherever_they_appear(self) -> None:
        families = scan("a 1\n# TYPE b gauge\n# TYPE a counter\nb 1\n").families
        assert (families["a"].type, families["b"].type) == ("counter", "gauge")

    def test_the_last_type_wins(self) -> None:
        assert scan("# TYPE x counter\n# TYPE x gauge\n").families["x"].type == "gauge"

    def test_of_a_type_with_a_note_the_first_word_counts(self) -> None:
        exposition = scan("# TYPE x summary IMP\n")
        assert exposition.families["x"].type == "summary"
        assert (
            exposition.warning
            == "Prometheus would reject this scrape: line 1: invalid metric type 'summary IMP'"
        )

    def test_an_unknown_type_is_untyped(self) -> None:
        assert scan("# TYPE x speed\n").families["x"].type == "untyped"

    def test_help_is_unescaped_cleaned_and_cut(self) -> None:
        families = scan(f"# HELP a C:\\\\dir \x1b[31mred\n# HELP b {'h' * 2000}\n").families
        assert families["a"].help == "C:\\dir ␛[31mred"
        assert len(families["b"].help) == 512

    def test_units_are_kept(self) -> None:
        body = "# TYPE x_seconds histogram\n# UNIT x_seconds seconds\n# EOF\n"
        assert scan(body, OPENMETRICS).families["x_seconds"].unit == "seconds"

    def test_new_comments_are_noticed(self) -> None:
        scanner = Scanner()
        scanner.scan(b"# TYPE x counter\nx 1\n")
        assert scanner.scan(b"# TYPE x gauge\nx 1\n").families["x"].type == "gauge"


class TestOpenMetrics:
    def test_exemplars_are_cut(self) -> None:
        body = 'x_bucket{le="1"} 8 # {t="a\\"b}"} 0.05 1.7\nx_count 9 # {} 0.6\n# EOF\n'
        scanner = Scanner()
        for _ in range(2):
            exposition = scanner.scan(body.encode(), OPENMETRICS)
            assert list(exposition.samples.values()) == [8, 9]
            assert exposition.warning is None

    def test_an_exemplar_in_the_text_format_is_cut_and_reported_in_every_scan(self) -> None:
        scanner = Scanner()
        for wanted in (None, None, frozenset({"y"}), frozenset({"y"}), frozenset({"x"})):
            exposition = scanner.scan(b'y 1\nx{a="1"} 8 # {t="a"} 0.05\n', "text/plain", wanted)
            assert exposition.series == 2
            assert exposition.warning is not None
            assert "line 2: an exemplar" in exposition.warning

    def test_timestamps_in_seconds_are_valid_in_openmetrics_only(self) -> None:
        exposition = scan("x 1 1700000000.123\n# EOF\n", OPENMETRICS)
        assert exposition.warning is None
        assert list(exposition.timestamps.values()) == [1700000000.123]
        assert (
            rejection("x 1 1700000000.123\n")
            == "line 1: '1700000000.123' is not a timestamp in milliseconds"
        )

    def test_the_end_mark_is_expected_and_ends_the_body(self) -> None:
        assert rejection("x 1\n", OPENMETRICS) == "no # EOF at the end"
        assert scan("x 1\n# EOF", OPENMETRICS).warning is None
        assert scan("# EOF\n", OPENMETRICS).warning is None
        after = scan("x 1\n# EOF\ny 2\n", OPENMETRICS)
        assert values(after) == {"Series(x)": 1.0}
        assert after.warning == "Prometheus would reject this scrape: line 3: data after # EOF"

    def test_a_comment_that_begins_like_the_end_mark_ends_nothing(self) -> None:
        assert scan("# EOFF\nx 1\n# EOF here\ny 2\n# EOF\n", OPENMETRICS).series == 2


class TestBadLines:
    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("my-metric 2", "'my-metric' is not a metric name"),
            ("1abc 2", "'1abc' is not a metric name"),
            ('x{a="1"}', "there is no value"),
            ('x{a="1",a="2"} 1', "label 'a' stands twice"),
            ('x{a="1",,b="2"} 1', "expected a label, found ',b=\"2\"} 1'"),
            ('x{__name__="y"} 1', "the metric name appears twice"),
            ('{a="1"} 1', "there is no metric name"),
            ('{"x","y"} 1', "the metric name appears twice"),
            ("x{a=1} 1", "label 'a' has no quoted value"),
            ('x{a="1} 1', "label 'a' has no quoted value"),
            ('x{a="1"', "the labels do not end"),
            ('x{"a.b"="1","c.d" e="f"} 1', "the metric name appears twice"),
            ("x 1 2 3", "'3' stands after the timestamp"),
            ("x 1 soon", "'soon' is not a timestamp"),
            ("x \x1b[31m", "'␛[31m' is not a number"),
        ],
    )
    def test_a_bad_line_affects_only_itself_and_is_named_with_its_number(
        self, line: str, reason: str
    ) -> None:
        scanner = Scanner()
        for _ in range(2):
            exposition = scanner.scan(f"# TYPE x gauge\nbefore 1\n{line}\nafter 2\n".encode())
            assert list(exposition.samples.values()) == [1, 2]
            assert exposition.skipped_lines == 1
            assert exposition.warning == f"Prometheus would reject this scrape: line 3: {reason}"

    def test_the_first_of_several_bad_lines_is_named(self) -> None:
        assert rejection("# TYPE a gauge\na 1\nb 1_0\n1c 1\n# TYPE d speed\n").startswith("line 3")
        assert rejection("# TYPE a gauge\na 1\n1c 1\nb 1_0\n").startswith("line 3")
        assert rejection("a 1\n# TYPE a speed\n1c 1\n").startswith("line 2")

    def test_a_bad_value_stays_bad_when_its_name_is_no_longer_wanted(self) -> None:
        scanner = Scanner()
        body = b'y 1\nx{a="1"} 1_000\n'
        for wanted in (None, frozenset({"y"}), frozenset({"y"}), frozenset({"x"}), None):
            exposition = scanner.scan(body, wanted=wanted)
            assert (exposition.skipped_lines, exposition.series) == (1, 1)

    def test_odd_lines_are_kept_and_reported_in_every_scan(self) -> None:
        scanner = Scanner()
        for _ in range(3):
            exposition = scanner.scan(b'y 1\n  x{a="1"} 2\n\tz 3\n')
            assert list(exposition.samples.values()) == [1, 2, 3]
            assert (
                exposition.warning
                == "Prometheus would reject this scrape: line 2: it begins with a blank"
            )

    def test_invalid_utf8_is_replaced_and_reported(self) -> None:
        exposition = scan(b'x{v="\xff bad"} 2\n')
        assert values(exposition) == {"Series(x{v='\ufffd bad'})": 2.0}
        assert (
            exposition.warning
            == "Prometheus would reject this scrape: line 1: it is not valid UTF-8"
        )

    def test_a_byte_order_mark_and_carriage_returns_are_removed_and_reported(self) -> None:
        assert rejection(b"\xef\xbb\xbfx 1\n") == "line 1: it begins with a byte order mark"
        assert rejection("x 1\r\ny 2\r\n") == "line 1: it ends with a carriage return"
        assert scan("x 1\r\ny 2\r\n").series == 2

    def test_a_body_that_ends_within_a_line_keeps_the_complete_ones(self) -> None:
        exposition = scan('x 1\nup{job="a",inst')
        assert values(exposition) == {"Series(x)": 1.0}
        assert (exposition.truncated, exposition.skipped_lines) == (True, 0)
        assert (
            exposition.warning
            == "Prometheus would reject this scrape: line 2: the body ends in the middle of it"
        )
        assert not scan("x 1").truncated

    @pytest.mark.parametrize(
        "content_type", ["application/json", "application/octet-stream", "text/html", None]
    )
    def test_a_wrong_content_type_is_a_warning(self, content_type: str | None) -> None:
        exposition = scan("x 1\n", content_type)
        assert exposition.series == 1
        assert exposition.warning is not None
        assert exposition.warning.startswith("Prometheus 3 would reject this scrape: the ")


class TestRefusal:
    @pytest.mark.parametrize(
        ("body", "content_type", "sentence"),
        [
            (
                b"\n <!DOCTYPE html><html>\nx 1\n</html>",
                "text/html; charset=utf-8",
                "not a metrics page (text/html): it is an HTML page and begins with '<!DOCTYPE html>'",
            ),
            (
                b"Oops\n<html>\nx 1\ny 2\nz 3\n",
                "text/html",
                "not a metrics page (text/html): it begins with 'Oops'",
            ),
            (
                b'{"a": 1}',
                "application/json",
                "not a metrics page (application/json): it is JSON and begins with '{\"a\": 1}'",
            ),
            (b"[1]", "", "not a metrics page (no content type): it is JSON and begins with '[1]'"),
            (
                b"\x1f\x8b\x08\x00",
                "text/plain",
                "not a metrics page (text/plain): it is compressed data and begins with ",
            ),
            ("# TYPE x gauge\nx 1\n".encode("utf-16"), "text/plain", "it is text in UTF-16"),
            ("x 1\n".encode("utf-16-le"), "text/plain", "it is text in UTF-16"),
            ("x 1\n".encode("utf-16-be"), "text/plain", "it is text in UTF-16"),
            (b"\x00\x01\x02\x03", "text/plain", "it is binary data"),
            (b"404 page not found\n", "text/plain", "it begins with '404 page not found'"),
            (b"Not Found", "text/plain", "it begins with 'Not Found'"),
            (b"\x0a\x05hello", "application/vnd.google.protobuf", "it is Protocol Buffers"),
        ],
    )
    def test_a_body_that_is_not_an_exposition_is_described_in_a_sentence(
        self, body: bytes, content_type: str, sentence: str
    ) -> None:
        with pytest.raises(NotAnExpositionError) as caught:
            scan(body, content_type)
        assert sentence in str(caught.value)
        assert clean(str(caught.value)) == str(caught.value)


class TestWanted:
    BODY = b'# TYPE x counter\nx{a="1"} 1\nx{a="2"} 2\n# TYPE y gauge\ny 3\nz{b="}"} 4\n1bad 5\n'

    def test_only_wanted_names_are_read_and_all_are_counted(self) -> None:
        full = Scanner().scan(self.BODY)
        some = Scanner().scan(self.BODY, wanted=frozenset({"x"}))
        assert {s.key: v for s, v in some.samples.items()} == {
            s.key: v for s, v in full.samples.items() if s.name == "x"
        }
        assert (some.series, some.skipped_lines, some.warning) == (
            full.series,
            full.skipped_lines,
            full.warning,
        )
        assert some.families == full.families

    def test_a_series_stays_the_same_object_while_it_is_referenced(self) -> None:
        scanner = Scanner()
        full = scanner.scan(self.BODY)
        scanner.scan(self.BODY, wanted=frozenset({"y"}))
        again = scanner.scan(self.BODY)
        assert all(left is other for left, other in zip(full.samples, again.samples, strict=True))

    def test_names_that_become_wanted_are_read(self) -> None:
        scanner = Scanner()
        assert len(scanner.scan(self.BODY, wanted=frozenset()).samples) == 0
        assert len(scanner.scan(self.BODY, wanted=frozenset({"x", "z"})).samples) == 3
        assert len(scanner.scan(self.BODY, wanted=frozenset({"y"})).samples) == 1


class TestLimits:
    BODY = (
        "# TYPE a counter\n"
        + "".join(f'a{{i="{i}"}} {i}\n' for i in range(6))
        + "# TYPE h histogram\n"
        + "".join(f'h_bucket{{le="{i}"}} {i}\n' for i in range(8))
        + "h_sum 1\nh_count 2\n# TYPE c gauge\nc 1\n1bad 2\n"
    ).encode()

    def test_complete_families_are_kept_in_the_order_of_the_body_up_to_the_limit(self) -> None:
        scanner = Scanner(ScanLimits(series=10))
        for _ in range(2):
            exposition = scanner.scan(self.BODY)
            assert {series.name for series in exposition.samples} == {"a", "c"}
            assert exposition.hidden == {"h_bucket": 8, "h_sum": 1, "h_count": 1}
            assert exposition.series == 17
            assert (
                exposition.warning
                == "Prometheus would reject this scrape: line 21: '1bad' is not a metric name"
            )

    def test_the_wanted_family_comes_first(self) -> None:
        exposition = Scanner(ScanLimits(series=10)).scan(self.BODY, wanted=frozenset({"h_bucket"}))
        assert {series.name for series in exposition.samples} == {"h_bucket"}
        assert exposition.hidden == {"a": 6, "c": 1}
        assert exposition.series == 17

    def test_within_the_limit_nothing_is_hidden(self) -> None:
        assert Scanner(ScanLimits(series=17)).scan(self.BODY).hidden == {}

    def test_the_list_of_hidden_names_is_bounded(self) -> None:
        body = "".join(f"m{i} 1\n" for i in range(3000)).encode()
        exposition = Scanner(ScanLimits(series=300)).scan(body)
        assert len(exposition.hidden) == 1001
        assert exposition.hidden["…"] == 1700
        assert exposition.series == 3000

    def test_a_body_of_endless_lines_is_not_read_to_its_end(self) -> None:
        body = b"x 1\n" + b"\n" * 2000 + "".join(f"m{i} 1\n" for i in range(500)).encode()
        exposition = Scanner(ScanLimits(series=100)).scan(body)
        assert exposition.hidden == {"…": 500}
        assert (len(exposition.samples), exposition.series, exposition.truncated) == (1, 501, False)

    def test_a_body_of_bad_lines_alone_is_abandoned(self) -> None:
        with pytest.raises(
            NotAnExpositionError,
            match="more than 10,000 lines like this: '1a' is not a metric name",
        ):
            scan("# TYPE x gauge\nx 1\n" + "1a 1\n" * 20_000)

    def test_long_values_are_cut_and_stay_distinct(self) -> None:
        body = f'x{{v="{"A" * 5000}1"}} 1\nx{{v="{"A" * 5000}2"}} 2\n'
        first, other = scan(body).samples
        assert first.labels != other.labels
        assert len(first.labels[0][1]) < 4200
        assert "… (5001 bytes" in first.labels[0][1]

    def test_labels_beyond_the_limit_become_one(self) -> None:
        (series,) = scan("x{" + ",".join(f'l{i:04}="v"' for i in range(2000)) + "} 1\n").samples
        assert len(series.labels) == 65
        assert "1936 more labels" in dict(series.labels)["…"]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (f'x{{v="{"A" * 70_000}"}} 1', "longer than 64 KiB"),
            (f"{'n' * 600} 1", "a name is longer than 512 bytes"),
        ],
    )
    def test_a_line_beyond_a_limit_is_skipped_with_our_limit_as_the_reason(
        self, line: str, reason: str
    ) -> None:
        exposition = scan(f"y 1\n{line}\n")
        assert (exposition.series, exposition.skipped_lines) == (1, 1)
        assert exposition.warning is not None
        assert exposition.warning.startswith("line 2 is skipped: ")
        assert reason in exposition.warning


@pytest.mark.parametrize(
    "line",
    [
        b"{" * 60_000,
        b'x{a="' + b"\\" * 60_000,
        b"x" + b" " * 60_000,
        b"x{" + b'a="",' * 12_000,
        b"# TYPE " + b'"' * 60_000,
    ],
)
def test_work_per_line_is_linear(line: bytes) -> None:
    """Quadratic work would take minutes here: 60 kB squared, a hundred times."""
    exposition = Scanner().scan(b"# TYPE ok gauge\nok 1\n" + (line + b"\n") * 100)
    assert exposition.series == 1
