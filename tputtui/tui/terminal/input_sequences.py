"""Control sequences that Textual's parser may receive, and the rest of a reply that was cut.

The sequences are keys, mouse, focus, resize and two mode reports. Everything else that a terminal
sends after `ESC [` or `ESC O` answers a question that Textual did not ask, or is noise. Textual
would type such a sequence character by character, or raise.

A slow link may cut a reply after its ESC, or after the next character, for longer than a key may
wait. The rest looks like typed text. Only its shape, and several characters of it in one read,
distinguish it.
"""

from __future__ import annotations

import re

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS, IGNORE_SEQUENCE
from textual._keyboard_protocol import FUNCTIONAL_KEYS

CSI = "\x1b["
_SS3 = "\x1bO"
PASTE_START = "\x1b[200~"
PASTE_END = "\x1b[201~"
LONGEST_SEQUENCE = 64  # characters; no key, mouse or mode report is longer

_MAX_TEXT = 16  # characters of text that come with one key
_KITTY_FINALS = "u~ABCDEFHPQRS"  # Textual reads these by the kitty protocol, not by its table
_LEGACY_KEYS = frozenset(
    sequence
    for sequence, keys in ANSI_SEQUENCES_KEYS.items()
    if keys is not IGNORE_SEQUENCE and sequence.startswith((CSI, _SS3))
)
_TEXTUAL_EVENTS = frozenset({"\x1b[I", "\x1b[O"})  # focus
_SPELLINGS = {
    "\x1b[~": "\x1b[Z",
    **{f"\x1b[5{arrow}": f"\x1b[1;5{arrow}" for arrow in "ABCD"},
    **{f"\x1b[1;{modifiers}u": f"\x1b[53;{modifiers}u" for modifiers in "5678"},
    **{
        f"\x1b[{number}~": f"\x1b[{57376 + index}u"
        for index, number in enumerate((25, 26, 28, 29, 31, 32, 33, 34))  # F13 to F20 of rxvt
    },
}
"""Keys of Textual's table that it would read as another key, and how it reads them right."""

# Compiled by `re` at first use: nothing is typed before the first paint
_MOUSE = r"\x1b\[<([0-9]{1,3});([0-9]{1,5});([0-9]{1,5})[Mm]"
_MODE_REPORT = r"\x1b\[\?(?:2026|2048);[0-4]\$y"
_RESIZE = r"\x1b\[48" + 4 * r";([0-9]{1,5})(?::[0-9:]*)?" + "t"
_KITTY_KEY = (
    r"\x1b\[([0-9]{0,7})(?::[0-9]{0,7}){0,2}"  # key code, shifted key, key of the base layout
    r"(?:;([0-9]{0,3})(?::([0-9]?))?)?"  # modifiers, event type
    r"(?:;([0-9:]*))?"  # text
    rf"([{_KITTY_FINALS}])"
)
_RELEASE = "3"
_EVENT_TYPES = ("", "1", "2", _RELEASE)
_OTHER_CODES = (9, 13, 27, 127)  # Tab, Enter, Esc, Backspace
_PRIVATE_USE = range(57344, 63744)  # codes of keys without a character


def accepted(sequence: str, *, kitty: bool = True) -> tuple[str, ...]:
    """Spell one whole CSI or _SS3 sequence as Textual reads it; empty for all that is no input.

    `kitty`: Textual reads the kitty protocol, which TEXTUAL_DISABLE_KITTY_KEY switches off.
    """
    if sequence in _TEXTUAL_EVENTS or re.fullmatch(_MODE_REPORT, sequence):
        return (sequence,)
    mouse = re.fullmatch(_MOUSE, sequence)
    if mouse is not None:
        sane = int(mouse[1]) <= 255 and int(mouse[2]) >= 1 and int(mouse[3]) >= 1
        return (sequence,) if sane else ()
    resize = re.fullmatch(_RESIZE, sequence)
    if resize is not None:
        # As it was reported, zeros too: `TerminalSize` is the one judge of sizes.
        return ("\x1b[48;{};{};{};{}t".format(*resize.groups()),)
    if kitty and sequence.startswith(CSI):
        sequence = _SPELLINGS.get(sequence, sequence)
        if sequence[-1] in _KITTY_FINALS and not sequence.startswith("\x1b[["):
            return _kitty_keys(sequence)
    return (sequence,) if sequence in _LEGACY_KEYS and not _is_position(sequence) else ()


def alt_key(character: str, *, kitty: bool = True) -> tuple[str, ...]:
    """Spell Alt and a key as Textual reads it.

    What begins a reply (`[`, `]`) Textual would read as that key without Alt, which may be bound.
    """
    if character.isalnum():
        return (f"\x1b{character}",)
    return (f"\x1b[{ord(character)};3u",) if kitty else ()


def is_shifted_key_of_rxvt(sequence: str) -> bool:
    """Whether a sequence is a key although its last character, "$", ends none by the standard."""
    return sequence.endswith("$") and sequence in _LEGACY_KEYS


def _is_position(sequence: str) -> bool:
    """Whether Textual takes a sequence for a cursor position, which nothing here asks for."""
    return sequence.startswith("\x1b[1;") and sequence.endswith("R")


def _kitty_keys(sequence: str) -> tuple[str, ...]:
    """The press or repeat of a key without what Textual cannot read: event type, alternate keys.

    A release is no key. Text of several characters becomes several keys, as Textual makes of it.
    """
    match = re.fullmatch(_KITTY_KEY, sequence)
    if match is None:
        return ()
    code, modifiers, event, text, final = match.groups(default="")
    if event not in _EVENT_TYPES or event == _RELEASE:
        return ()
    if not 1 <= int(modifiers or "1") <= 256:  # 1 and the sum of the modifiers' bits
        return ()
    if final == "u":
        return _character_keys(int(code or "0"), modifiers, text)
    if final == "~" and code == "27" and text:  # xterm's modifyOtherKeys: the character comes last
        known = text.isdecimal() and _is_code(int(text))
        return (f"\x1b[27;{modifiers or 1};{text}~",) if known else ()
    if f"{code or 1}{final}" not in FUNCTIONAL_KEYS or text:
        return ()
    if final == "R" and match.end() > len("\x1b[R"):
        return ()  # a cursor position
    if modifiers:
        return (f"\x1b[{code or 1};{modifiers}{final}",)
    return (f"\x1b[{code}{final}",)


def _character_keys(code: int, modifiers: str, text: str) -> tuple[str, ...]:
    characters = [int(part or "0") for part in text.split(":")] if text else []
    if len(characters) > _MAX_TEXT or not all(map(_is_printable, characters)):
        return ()
    if characters and (code == 0 or _is_code(code)):
        return tuple(f"\x1b[{code};{modifiers};{character}u" for character in characters)
    if code in _PRIVATE_USE and f"{code}u" not in FUNCTIONAL_KEYS:
        return ()
    if not _is_code(code):
        return ()
    return (f"\x1b[{code};{modifiers}u" if modifiers else f"\x1b[{code}u",)


def _is_printable(code: int) -> bool:
    """Whether a number is a character that can be text: no control character, no surrogate."""
    return 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF


def _is_code(code: int) -> bool:
    return code in _OTHER_CODES or _is_printable(code)


ESC = "\x1b"
STRINGS = "]P_^X"
"""What begins a string behind ESC: OSC, DCS, APC, PM, SOS."""

STRING_BEGINS = {"]": "0123456789lL", "P": "0123456789>!$+|"}
"""First characters of the strings that Alt and a key can be told from by them."""

_BEGINS_AFTER_ESCAPE = {**STRING_BEGINS, "_": "G"}
_PARAMETER = "0123456789:;<=>?"
_CSI_REST = r"[<=>?][0-9]|[0-9:;]+[ -/]*[@-~]"
_CSI_REST_IN_PIECES = r"(?:[<=>?][0-9:;]*|[0-9:;]{2,})[ -/]*[@-~]"
_ENDS_A_STRING = r"[^\x00-\x1f\x7f]+(?:\x07|\x1b\\|\x1b\Z)"
_STRING_REST = {
    "]": r"[0-9]{1,4};",
    "P": r"[0-9]?[>!$+|].",
    "_": r"G[a-zA-Z]=",
}
_STRING_REST_BEGUN = {
    "]": r"[0-9]{1,4}",
    "P": r"[0-9]?[>!$+|]?",
    "_": r"G[a-zA-Z]?",
}


def is_rest_of_escape(text: str, *, at_once: bool) -> bool | None:
    """Decide whether text belongs to an ESC that was taken for the Esc key; None: wait for more.

    `text` is everything since that ESC. `at_once`: several characters of it came in one read.
    """
    first, behind = text[0], text[1:2]
    if first == "O":
        return behind != "" and accepted(_SS3 + behind) != ()
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
    return None if begun is not None and re.fullmatch(begun, text[1:]) else False


def _is_rest_of_csi(text: str, *, at_once: bool) -> bool | None:
    """Decide about what followed `[`, which itself followed the ESC that was taken for a key."""
    if at_once:
        return text[0] in _PARAMETER or _is_known_without_parameters(text[0])
    if re.match(_CSI_REST_IN_PIECES, text) or len(text) > LONGEST_SEQUENCE:
        return True
    return None if all(char in _PARAMETER for char in text) else False


def is_rest(given: str, text: str, *, by_alt: bool) -> bool:
    """Decide whether one read continues a sequence whose first two characters, `given`, were keys.

    `by_alt`: they came together, as Alt and a key; else `given` is Esc and a key typed after it.
    """
    if given == CSI:
        if by_alt and (text[0] in _PARAMETER or _is_known_without_parameters(text[0])):
            return True
        return len(text) > 1 and re.match(_CSI_REST, text) is not None
    if len(given) != 2 or given[1] not in STRINGS:
        return False
    begins = _STRING_REST.get(given[1])
    return bool(re.match(_ENDS_A_STRING, text) or (begins is not None and re.match(begins, text)))


def _is_known_without_parameters(final: str) -> bool:
    """Whether ESC [ and this is a key, focus, a mouse report or a key of the Linux console."""
    return final in "M[" or accepted(CSI + final) != ()
