"""Whether input is the rest of a terminal's reply whose beginning was taken for keys.

A slow link may cut a reply behind its ESC, or behind the character after that, for longer than a
key may wait. What comes next looks like typed text; only its shape, and that several characters of
it came in one read, tell it from what a person types.
"""

from __future__ import annotations

import re

from tputtui.tui.terminal.input_sequences import CSI, LONGEST_SEQUENCE, SS3, accepted

ESC = "\x1b"
STRINGS = "]P_^X"
"""What begins a string behind ESC: OSC, DCS, APC, PM, SOS."""

STRING_BEGINS = {"]": "0123456789lL", "P": "0123456789>!$+|"}
"""First characters of the strings that Alt and a key can be told from by them."""

_BEGINS_AFTER_ESCAPE = {**STRING_BEGINS, "_": "G"}
_PARAMETER = "0123456789:;<=>?"
_CSI_REST = re.compile(r"[<=>?][0-9]|[0-9:;]+[ -/]*[@-~]")
_CSI_REST_IN_PIECES = re.compile(r"(?:[<=>?][0-9:;]*|[0-9:;]{2,})[ -/]*[@-~]")
_ENDS_A_STRING = re.compile(r"[^\x00-\x1f\x7f]+(?:\x07|\x1b\\|\x1b\Z)")
_STRING_REST = {
    "]": re.compile(r"[0-9]{1,4};"),
    "P": re.compile(r"[0-9]?[>!$+|]."),
    "_": re.compile(r"G[a-zA-Z]="),
}
_STRING_REST_BEGUN = {
    "]": re.compile(r"[0-9]{1,4}"),
    "P": re.compile(r"[0-9]?[>!$+|]?"),
    "_": re.compile(r"G[a-zA-Z]?"),
}


def is_rest_of_escape(text: str, *, at_once: bool) -> bool | None:
    """Decide whether text belongs to an ESC that was taken for the Esc key; None: wait for more.

    `text` is everything since that ESC. `at_once`: several characters of it came in one read.
    """
    first, behind = text[0], text[1:2]
    if first == "O":
        return behind != "" and accepted(SS3 + behind) != ()
    if first != "[" and first not in STRINGS:
        return False
    if not behind:
        return None
    if first == "[":
        return _is_rest_of_csi(text[1:], at_once=at_once)
    if at_once and behind in _BEGINS_AFTER_ESCAPE.get(first, ""):
        return True
    if is_rest(ESC + first, text[1:], by_alt=False):
        return True
    begun = _STRING_REST_BEGUN.get(first)
    return None if begun is not None and begun.fullmatch(text[1:]) else False


def _is_rest_of_csi(text: str, *, at_once: bool) -> bool | None:
    """Decide about what followed `[`, which itself followed the ESC that was taken for a key."""
    if at_once:
        return text[0] in _PARAMETER or _is_known_without_parameters(text[0])
    if _CSI_REST_IN_PIECES.match(text) or len(text) > LONGEST_SEQUENCE:
        return True
    return None if all(char in _PARAMETER for char in text) else False


def is_rest(given: str, text: str, *, by_alt: bool) -> bool:
    """Decide whether one read continues a sequence whose first two characters, `given`, were keys.

    `by_alt`: they came together, as Alt and a key; else `given` is Esc and a key typed after it.
    """
    if given == CSI:
        if by_alt and (text[0] in _PARAMETER or _is_known_without_parameters(text[0])):
            return True
        return len(text) > 1 and _CSI_REST.match(text) is not None
    if len(given) != 2 or given[1] not in STRINGS:
        return False
    begins = _STRING_REST.get(given[1])
    return bool(_ENDS_A_STRING.match(text) or (begins is not None and begins.match(text)))


def _is_known_without_parameters(final: str) -> bool:
    """Whether ESC [ and this is a key, focus, a mouse report or a key of the Linux console."""
    return final in "M[" or accepted(CSI + final) != ()
