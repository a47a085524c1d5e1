"""Filter between the terminal and Textual's parser: complete keys pass, all else is dropped.

A terminal may reply long after the query (ours, or that of the program before), and a slow link may
split its reply anywhere. Textual types an unknown sequence character by character: a late
`ESC [ ? 62 ; 4 c` would open the help. Therefore only the sequences of `input_sequences` pass, each
as one unit.

Only an ESC is ambiguous: it is the Esc key, the first half of Alt and a key, or the beginning of a
reply that was split.

*   An ESC that nothing follows within the escape delay is the Esc key. An ESC and one of
    `[ ] P _ ^ X O` that nothing follows within it are Alt and that key. The next input, however
    late, may still be the rest of a reply. It is, and is dropped, if several of its characters
    arrived in one read and begin like such a rest (`[?62;4c`, `]11;rgb:`, `P>|`), or if they end a
    string (with BEL or ESC backslash). See `input_sequences`. One of `[ ] P _ ^ X` that another ESC
    follows in the same read is dropped, too.
*   A `[`, or one of `] P _ ^ X`, that arrives alone after Esc, as if typed, is held for one more
    escape delay. Then it is a key, and so is the input after it.
*   A control sequence that has a parameter waits for its end without a time limit. A string (OSC,
    DCS, APC, PM, SOS) and a bracketed paste wait, too, until a single key is pressed after a pause
    of two seconds; a string also until Esc or a control character that cannot be in it.

Limitations: the keys `[ ] P _ ^ X`, pressed first after Esc, act up to one escape delay later. If
the end of a control sequence was lost, the next key is lost, too (three keys after an incomplete
mouse report of the old form). If the end of a string was lost, so is every key before a pause of
two seconds, Esc or a control character. Alt and one of `] P _ ^ X [ O`, followed within the escape
delay by a key that may continue it, counts as a reply. A reply whose first characters arrive one by
one, each later than the escape delay, is typed: it cannot be distinguished from typing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from tputtui.tui.terminal.input_sequences import (
    CSI,
    ESC,
    LONGEST_SEQUENCE,
    PASTE_END,
    PASTE_START,
    STRING_BEGINS,
    STRINGS,
    accepted,
    alt_key,
    is_rest,
    is_rest_of_escape,
    is_shifted_key_of_rxvt,
)

LONGEST_REPLY = 4096  # characters after its first read; a longer reply ends with its burst
LONGEST_PASTE = 16_384  # characters; the rest is dropped: prompts have one line
LONG_PAUSE_S = 2.0

_C1 = {code: f"\x1b{chr(code - 0x40)}" for code in (0x8F, 0x90, 0x98, *range(0x9B, 0xA0))}
_EIGHT_BIT = {code: _C1.get(code, "") for code in range(0x80, 0xA0)}
"""C1 introducers as their equivalents of two characters; the other C1 controls are no keys."""

_NOT_TYPED = dict.fromkeys((0, 0xFFFD))  # NUL, and the replacement of invalid bytes
_NOT_PASTED = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, 0xFFFD))
_CSI_BODY = re.compile(r"\x1b\[[ -?\0\ufffd]*")
_SS3_BODY = re.compile(r"\x1bO[0-9;]*")
_STRING_END = re.compile(
    r"\x07|\x1b\\|\x1b\Z"
    r"|(?=\x1b)|(?=[\x01-\x06\x0e-\x1a\x1c-\x1f\x7f])"  # these cannot be in a string (ECMA-48)
)
_ST = "\x1b\\"  # the regular end of a string
_BEGIN_BEHIND_ESCAPE = f"[{STRINGS}"
_MOUSE_X10 = "\x1b[M"
_MOUSE_X10_LENGTH = 6

_State = Literal["keys", "string", "paste"]


class ReplyFilter:
    """Split the input of the terminal into complete keys and reports; drop the rest.

    `feed` processes one read. If nothing was read until `deadline`, `tick` returns the held input.
    Times are seconds of any monotonic clock; the filter reads none. Memory is bounded.
    """

    def __init__(self, escape_delay_s: float = 0.1, *, kitty: bool = True) -> None:
        self._escape_delay_s = escape_delay_s
        self._kitty = kitty
        self._state: _State = "keys"
        self._held = ""  # an unfinished sequence, or the first characters of an end
        self._length = 0  # characters of an unfinished sequence or string
        self._paste = ""
        self._undecided = ""  # after a lone Esc: typed, or the rest of a reply
        self._at_once = False  # several characters of that arrived in one read
        self._given = ""  # passed as keys; the next read may continue them
        self._by_alt = False  # those were Alt and a key
        self._last_read = float("-inf")
        self._units: list[str] = []

    @property
    def deadline(self) -> float | None:
        """Time to call `tick` if nothing is read until then; None if nothing is held."""
        overlong = self._state != "paste" and self._length > LONGEST_REPLY
        if overlong or self._undecided or self._is_ambiguous():
            return self._last_read + self._escape_delay_s
        return None

    def feed(self, text: str, now: float) -> list[str]:
        """Return the complete keys and reports of one read, each by itself; typed text as one."""
        text = text.translate(_EIGHT_BIT)
        if not text:
            return []
        pause, self._last_read = now - self._last_read, now
        if pause >= LONG_PAUSE_S and len(text) == 1:
            self._give_up(text)
        unfinished = self._held != "" or self._state != "keys"
        self._length = self._length + len(text) if unfinished else 0
        data = self._with_held_input(text)
        readers: dict[_State, Callable[[str], str]] = {
            "keys": self._read_keys,
            "string": self._read_string,
            "paste": self._read_paste,
        }
        while data:
            data = readers[self._state](data)
        return self._take_units()

    def tick(self, now: float) -> list[str]:
        """Return the held input if nothing was read until the deadline."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return []
        if self._undecided:
            self._type(self._undecided)
            self._given = f"{ESC}{self._undecided}" if len(self._undecided) == 1 else ""
            self._by_alt = False
            self._undecided = ""
        elif self._state == "string" and self._held:
            self._reset()
            self._given = _ST  # its second half may still arrive
        elif self._length > LONGEST_REPLY:
            self._reset()
        else:
            self._given, self._by_alt = self._held, True
            self._type_alone(self._held)
            self._reset()
        return self._take_units()

    def _take_units(self) -> list[str]:
        units, self._units = self._units, []
        return units

    # --------------------------------------------------------------------------- between two reads

    def _is_ambiguous(self) -> bool:
        """Whether the held input is a key, or the end of a string, if nothing follows."""
        if self._state == "keys":
            return 1 <= len(self._held) <= 2
        return self._state == "string" and self._held != ""

    def _give_up(self, key: str) -> None:
        """End an unfinished string or paste: a single key after a long pause was typed."""
        if self._state == "paste" and key != ESC:  # an ESC may begin the paste's end
            self._give_paste()
        elif self._state == "string" and key.isprintable():  # BEL ends the string
            self._reset()

    def _reset(self) -> None:
        self._state, self._held, self._length, self._paste = "keys", "", 0, ""

    def _with_held_input(self, text: str) -> str:
        """Prepend to a read the input that it continues: held, or an ESC passed as a key."""
        held, self._held = self._held, ""
        given, self._given = self._given, ""
        undecided, self._undecided = self._undecided, ""
        if undecided:
            self._at_once = self._at_once or len(text) > 1
            return self._after_escape(undecided + text)
        if self._state != "keys" or held or not given:
            return held + text
        if given == ESC:
            self._at_once = len(text) > 1
            if text[0] in _BEGIN_BEHIND_ESCAPE and text[1:2] == ESC:
                return text[1:]  # a reply that the next one interrupted
            return self._after_escape(text)
        if given == _ST:
            return text.removeprefix("\\")
        if not is_rest(given, text, by_alt=self._by_alt):
            return text
        if given == CSI:
            return given + text
        self._state = "string"
        return text

    def _after_escape(self, text: str) -> str:
        """Process the input after an ESC that was passed as the Esc key."""
        rest = is_rest_of_escape(text, at_once=self._at_once)
        if rest is None:
            self._undecided = text
            return ""
        if not rest:
            return text
        if text[0] in STRINGS:
            self._state = "string"
            return text[1:]
        return ESC + text

    # ---------------------------------------- readers of one sequence; each returns the remainder

    def _type(self, text: str) -> None:
        text = text.translate(_NOT_TYPED)
        if text:
            self._units.append(text)

    def _type_alone(self, begun: str) -> None:
        """Pass the beginning of a sequence as the key that it is alone: Esc, or Alt and a key."""
        self._units.extend(alt_key(begun[1], kitty=self._kitty) if len(begun) > 1 else (ESC,))

    def _hold(self, sequence: str) -> str:
        self._held = sequence[
            : LONGEST_SEQUENCE + 1
        ]  # one more, so that it remains too long for a key
        return ""

    def _read_keys(self, data: str) -> str:
        """Read typed text up to an ESC, or a sequence that begins with one."""
        start = data.find(ESC)
        if start != 0:
            end = start if start > 0 else len(data)
            self._type(data[:end])
            return data[end:]
        second = data[1:2]
        if not second:
            return self._hold(data)
        if second == "[":
            return self._read_csi(data)
        if second == "O":
            return self._read_sequence(data, _end_of(_SS3_BODY, data))
        if second in STRINGS:
            return self._read_string_start(data)
        if second in "\0\ufffd":
            return ESC + data[2:]
        if second == ESC:
            self._type_alone(ESC)
            return data[1:]
        self._units.append(data[:2])  # Alt and a key
        return data[2:]

    def _read_csi(self, data: str) -> str:
        if data.startswith(_MOUSE_X10):
            return self._read_mouse_x10(data)
        if data.startswith("\x1b[["):  # a function key of the Linux console
            return self._read_sequence(data, len("\x1b[["))
        end = _end_of(_CSI_BODY, data)
        dollar = data.find("$", 0, end) + 1
        if dollar and is_shifted_key_of_rxvt(data[:dollar]):
            self._units.append(data[:dollar])
            return data[dollar:]
        return self._read_sequence(data, end)

    def _read_sequence(self, data: str, end: int) -> str:
        """Read the sequence whose final character should stand at `end`."""
        final = data[end : end + 1]
        if not final:
            return self._hold(data)
        self._length = 0
        if not "@" <= final <= "~":  # a control character or a letter: a key of its own
            if end == len(CSI):  # without parameters
                self._type_alone(data[:end])
            return data[end:]
        sequence = data[: end + 1]
        if sequence == PASTE_START:
            self._state = "paste"
        elif len(sequence) <= LONGEST_SEQUENCE:
            self._units.extend(accepted(sequence, kitty=self._kitty))
        return data[end + 1 :]

    def _read_mouse_x10(self, data: str) -> str:
        """Drop a mouse report of three characters: Textual asks for SGR reports and reads those."""
        for at in range(len(_MOUSE_X10), min(len(data), _MOUSE_X10_LENGTH)):
            if "\0" < data[at] < " ":
                return data[at:]
        return data[_MOUSE_X10_LENGTH:] if len(data) >= _MOUSE_X10_LENGTH else self._hold(data)

    def _read_string_start(self, data: str) -> str:
        third = data[2:3]
        if not third:
            return self._hold(data)
        begins = STRING_BEGINS.get(data[1])
        if third.isprintable() if begins is None else third in begins:
            self._state = "string"
        else:
            self._type_alone(data[:2])
        return data[2:]

    def _read_string(self, data: str) -> str:
        """Drop a string up to its end, or to a character that cannot be in it."""
        end = _STRING_END.search(data)
        if end is None:
            return ""
        if end.group() == ESC:
            self._held = ESC
            return ""
        self._state, self._length = "keys", 0
        return data[end.end() :]

    def _read_paste(self, data: str) -> str:
        """Collect pasted text without control characters: Textual would read keys after an ESC."""
        text, end, left = data.partition(PASTE_END)
        if not end:
            lengths = range(len(PASTE_END) - 1, -1, -1)
            cut = len(data) - next(n for n in lengths if data.endswith(PASTE_END[:n]))
            text, self._held = data[:cut], data[cut:]
        room = LONGEST_PASTE - len(self._paste)
        self._paste += text[:room].translate(_NOT_PASTED)
        if end:
            self._give_paste()
        return left

    def _give_paste(self) -> None:
        self._units.append(f"{PASTE_START}{self._paste}{PASTE_END}")
        self._reset()


def _end_of(pattern: re.Pattern[str], data: str) -> int:
    """Return the end of a match at the beginning of the data; 0 without one."""
    match = pattern.match(data)
    return match.end() if match is not None else 0
