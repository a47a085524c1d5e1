"""Read the metrics of `model.host_metrics` from files of the kernel, each file once a reading."""

from __future__ import annotations

import math

from tputtui.host import procfs
from tputtui.host.kernel import not_offered_error
from tputtui.model import host_metrics
from tputtui.model.host_metrics import HostMetric, KernelNumber


class MetricFiles:
    """Reader of the files that the metrics name, below `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._metrics = [(metric, _numbers(metric)) for metric in host_metrics.HOST_METRICS]

    def read(self) -> tuple[dict[str, float], dict[str, str]]:
        """Read the values by metric name, and by `HostMetric.reason_name` why one is missing.

        Never raises. A metric whose limit cannot be read is missing, too.
        """
        values: dict[str, float] = {}
        reasons: dict[str, str] = {}
        lines_by_path: dict[str, list[bytes]] = {}
        for metric, numbers in self._metrics:
            metric_values: dict[str, float] = {}
            for name, number in numbers:
                try:
                    lines = lines_by_path.get(number.path)
                    if lines is None:
                        lines = lines_by_path[number.path] = self._read_lines(number.path)
                    value = _parse_number(lines, number)
                except (OSError, ValueError, IndexError) as error:
                    reasons[metric.reason_name] = str(not_offered_error(number.path, error))
                    break
                if value < number.unknown_from:
                    metric_values[name] = value
            else:
                values.update(metric_values)
        return values, reasons

    def _read_lines(self, path: str) -> list[bytes]:
        return procfs.read(self._root + path).replace(b"/", b" ").splitlines()


def _numbers(metric: HostMetric) -> list[tuple[str, KernelNumber]]:
    """List what is read for one metric, with the names under which it is recorded."""
    numbers = [(metric.name, metric.source)]
    if isinstance(metric.limit, KernelNumber):
        numbers.append((metric.limit_name, metric.limit))
    return numbers


def _parse_number(lines: list[bytes], number: KernelNumber) -> float:
    """Find one number in a file. Raises ValueError or IndexError if it is not there."""
    word = _find_words(lines, number.line.encode())[number.word]
    if word.isdigit():
        return int(word)
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word!r} is no number")
    return value


def _find_words(lines: list[bytes], first_word: bytes) -> list[bytes]:
    if not first_word:
        return lines[0].split()
    for line in lines:
        if line.startswith(first_word):
            words = line.split()
            if words[0] == first_word:
                return words
    raise ValueError(f"no line of {first_word!r}")
