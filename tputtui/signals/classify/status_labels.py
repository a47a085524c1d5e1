"""Status labels, and their values that are errors of the server.

Exporters write 500, "5xx", "5", "Internal", "SERVER_ERROR" or "error" for the same thing. 4xx and a
gRPC NotFound are errors of the caller: they have a class of their own and do not count.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from tputtui.signals.classify import label_names


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


STATUS_LABELS = (
    "status",
    "status_code",
    "code",
    "http_response_status_code",
    "http_status_code",
    "http_status",
    "statuscode",
    "response_code",
    "http_code",
    "status_class",
    "code_class",
    "response_code_class",
    "envoy_response_code_class",
    "classification",
    "grpc_code",
    "grpc_status",
    "rpc_grpc_status_code",
    "grpc_response_status",
    "rcode",
    "outcome",
    "result",
    "finished_reason",
    "finish_reason",
    "error_type",
    "success",
    "state",
)
"""Names of labels that hold the status of a request, the plainest first."""

SERVER_SIDE_GRPC = (
    "Unknown",
    "DeadlineExceeded",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
)
"""gRPC codes of server faults, as listed by the OpenTelemetry semantic conventions."""

_SERVER_GRPC_NUMBERS = {"2", "4", "12", "13", "14", "15"}
_SERVER_GRPC = {code.lower(): code for code in SERVER_SIDE_GRPC}
_GRPC_OTHER = _word_set(
    "ok canceled cancelled invalidargument notfound alreadyexists permissiondenied "
    "resourceexhausted failedprecondition aborted outofrange unauthenticated"
)
_HTTP = re.compile(r"([1-5])(?:\d\d(?:\.\d+)?|xx|XX)?")
_ERROR_WORDS = _word_set(
    "error errors err failed failure fail erred exception server_error server-error servererror "
    "servfail abort aborted timeout timedout rejected unavailable internal_error fault panic bad"
)
_SUCCESS_WORDS = _word_set(
    "ok success succeeded successful completed complete hit noerror pass passed stop done"
)


def status_class(label: str, value: str) -> str:
    """Return the class of a status value: "2xx" … "5xx", a gRPC code, or the value itself.

    "" stays "".
    """
    http = _HTTP.fullmatch(value)
    if http is not None and (len(value) > 1 or "class" in label or "grpc" not in label):
        return f"{http.group(1)}xx"
    return value


def is_server_error(label: str, value: str) -> bool:
    """Tell whether a value of a status label is a server error.

    That is 5xx, a server-side gRPC code, or a word for an error.
    """
    if "grpc" in label and value.isdigit():
        return value in _SERVER_GRPC_NUMBERS
    if status_class(label, value) == "5xx":
        return True
    plain_value = value.lower().replace("_", "").replace(" ", "")
    if label_names.normalize(label) in ("error_type", "exception"):
        return plain_value not in ("", "none") and (not value.isdigit() or value.startswith("5"))
    if label == "success":
        return plain_value in ("false", "0", "no")
    return (
        plain_value in _SERVER_GRPC or value.lower() in _ERROR_WORDS or plain_value in _ERROR_WORDS
    )


def order_labels(names: Iterable[str]) -> list[str]:
    """Return the labels that may hold a status, the plainest first.

    Besides `STATUS_LABELS` these are labels that end like one: `tagged_reply_state`.
    """
    present = sorted(names)
    ordered = label_names.find_all(present, STATUS_LABELS)
    ending = [name for name in present if label_names.normalize(name).endswith(_STATUS_ENDINGS)]
    return list(dict.fromkeys([*ordered, *ending]))


_STATUS_ENDINGS = ("_status", "_status_code", "_state", "_result", "_outcome", "_code")
_PLAIN_LABELS = frozenset(
    ("outcome", "grpc_code", "rcode", "error_type", "finished_reason", "finish_reason")
)
"""Labels whose name alone says that their values are statuses."""


def is_status(label: str, counts: Mapping[str, float]) -> bool:
    """Tell whether a label's values are statuses of requests.

    Its name alone is not sufficient ("code" may be a country). `counts`: events of each value;
    the values of most events decide, so that one odd value does not hide the others.
    """
    if not counts:
        return False
    label = label_names.normalize(label)
    if label in _PLAIN_LABELS or all(_is_known(label, value) for value in counts):
        return True
    if are_outcomes(label, counts):
        return True
    if label == "state":
        return False
    known = sum(count for value, count in counts.items() if _is_known(label, value))
    return known * 2 > sum(counts.values())


def are_outcomes(label: str, values: Iterable[str]) -> bool:
    """Tell whether values hold a good outcome and a bad one."""
    known = list(values)
    has_success = any(_is_success(value) for value in known)
    return has_success and any(is_server_error(label, value) for value in known)


def has_errors_or_codes(label: str, values: Collection[str]) -> bool:
    """Tell whether a status label can show errors: it has codes, or a word for an error.

    Words for success alone say nothing about what becomes of failures.
    """
    codes = {*_SERVER_GRPC, *_GRPC_OTHER} - {"ok"}
    return any(
        _HTTP.fullmatch(value) is not None
        or "grpc" in label
        or label == "rcode"
        or value.lower().replace("_", "") in codes
        or is_server_error(label, value)
        for value in values
    )


def _is_success(value: str) -> bool:
    return value.lower() in _SUCCESS_WORDS


def _is_known(label: str, value: str) -> bool:
    lower = value.lower()
    return (
        _HTTP.fullmatch(value) is not None
        or lower in ("", "total", "other", "none", "unknown", "undefined", "null", "*", "0", "all")
        or lower.replace("_", "") in _SERVER_GRPC
        or lower.replace("_", "") in _GRPC_OTHER
        or lower in _ERROR_WORDS
        or lower in _SUCCESS_WORDS
        or lower in ("true", "false", "client_error", "redirection", "informational")
        or ("grpc" in label and value.isdigit())
    )


def error_values(label: str, values: Collection[str]) -> tuple[str, ...]:
    """Return the error values to list in a binding: words that no rule of classes covers.

    () for codes, to which the rule applies.
    """
    if "grpc" in label:
        return ()
    words: list[str] = []
    for value in sorted(values):
        is_code = value.isdigit() or value.lower() in _SERVER_GRPC
        if is_code or status_class(label, value) == "5xx":
            continue
        if is_server_error(label, value):
            words.append(value)
    return tuple(words)
