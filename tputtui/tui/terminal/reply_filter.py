"""Filter between the terminal and Textual's parser: whole keys pass, all else is dropped.

A terminal answers questions long after they were asked (by us, or by the program before us), and a
slow link cuts what it sends anywhere. Textual types what it does not know, character by character:
a late `ESC [ ? 62 ; 4 c` would open the help. So only the sequences of `input_sequences` pass, each
whole and never in pieces.

Only an ESC is ambiguous: it is the Esc key, the first half of Alt and a key, or the beginning of a
reply that was cut.

*   An ESC with nothing behind it for the escape delay is the Esc key. An ESC with one of
    `[ ] P _ ^ X O` behind it and nothing more for that long is Alt and that key. What comes as the
    very next input, whenever that is, may still be the rest of a reply. It is one, and is dropped,
    if several characters of it came in one read and begin as such a rest does (`[?62;4c`,
    `]11;rgb:`, `P>|`), or if they end a string (with BEL or ESC backslash). See `input_sequences`.
    One of `[ ] P _ ^ X` with another ESC behind it in the same read is dropped, too.
*   A `[`, or one of `] P _ ^ X`, that comes alone after Esc, as a person types it, is held for one
    more escape delay. Then it is a key, and so is what is typed after it.
*   A control sequence that has a parameter waits for its end without a time limit. A string (OSC,
    DCS, APC, PM, SOS) and a bracketed paste wait, too, until a single key is pressed after a pause
    of two seconds; a string also until Esc or a control character that cannot be in it.

What that costs: the keys `[ ] P _ ^ X`, pressed first after Esc, act up to one escape delay later.
Where the end of a control sequence was lost, the next key is lost, too (three keys behind a cut
mouse report of the old form). Where the end of a string was lost, so is every key before a pause
of two seconds, Esc or a control character. Alt and one of `] P _ ^ X [ O`, followed within the
escape delay by a key that may continue it, is taken for a reply. A reply whose first characters
come one by one, each later than the escape delay, is typed: nothing tells it from a person.
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

LONGEST_REPLY = 4096  # characters behind the read that began it; a longer one ends with its burst
LONGEST_PASTE = 16_384  # characters; the rest is dropped: a paste goes into a prompt of one line
LONG_PAUSE_S = 2.0

_C1 = {code: f"\x1b{chr(code - 0x40)}" for code in (0x8F, 0x90, 0x98, *range(0x9B, 0xA0))}
_EIGHT_BIT = {code: _C1.get(code, "") for code in range(0x80, 0xA0)}
"""Introducers of one character as the two they stand for; the other C1 controls are no keys."""

_NOT_TYPED = dict.fromkeys((0, 0xFFFD))  # NUL, and what the decoder makes of invalid bytes
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
    """Cut what is read from the terminal into whole keys and reports; drop the rest.

    `feed` takes one read. Where nothing was read until `deadline`, `tick` gives out what was held.
    Times are seconds of any clock that goes forward; the filter reads none. Memory is bounded.
    """

    def __init__(self, escape_delay_s: float = 0.1, *, kitty: bool = True) -> None:
        self._escape_delay_s = escape_delay_s
        self._kitty = kitty
        self._state: _State = "keys"
        self._held = ""  # an unfinished sequence, or the first characters of an end
        self._length = 0  # characters that an unfinished sequence or string has swallowed
        self._paste = ""
        self._undecided = ""  # came after a lone Esc: typed by a person, or the rest of a reply
        self._at_once = False  # several characters of that came in one read
        self._given = ""  # came before the next read, as keys, and may be continued by it
        self._by_alt = False  # that was Alt and a key
        self._last_read = float("-inf")
        self._units: list[str] = []

    @property
    def deadline(self) -> float | None:
        """Time to call `tick` if nothing is read until then; None while nothing waits for it."""
        overlong = self._state != "paste" and self._length > LONGEST_REPLY
        if overlong or self._undecided or self._is_ambiguous():
            return self._last_read + self._escape_delay_s
        return None

    def feed(self, text: str, now: float) -> list[str]:
        """Whole keys and reports in one read, each by itself; typed text is one piece."""
        text = text.translate(_EIGHT_BIT)
        if not text:
            return []
        pause, self._last_read = now - self._last_read, now
        if pause >= LONG_PAUSE_S and len(text) == 1:
            self._give_up(text)
        unfinished = self._held != "" or self._state != "keys"
        self._length = self._length + len(text) if unfinished else 0
        data = self._with_what_came_before(text)
        readers: dict[_State, Callable[[str], str]] = {
            "keys": self._read_keys,
            "string": self._read_string,
            "paste": self._read_paste,
        }
        while data:
            data = readers[self._state](data)
        return self._take_units()

    def tick(self, now: float) -> list[str]:
        """What was held, now that nothing came until the deadline."""
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
            self._given = _ST  # its second half may still come
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

    # ----------------------------------------------------------------------- between two reads

    def _is_ambiguous(self) -> bool:
        """Whether what is held is a key, or the end of a string, if nothing follows."""
        if self._state == "keys":
            return 1 <= len(self._held) <= 2
        return self._state == "string" and self._held != ""

    def _give_up(self, key: str) -> None:
        """End what is unfinished: a key alone after a long pause is pressed by a waiting person."""
        if self._state == "paste" and key != ESC:  # an ESC may begin the paste's end
            self._give_paste()
        elif self._state == "string" and key.isprintable():  # BEL is the string's end
            self._reset()

    def _reset(self) -> None:
        self._state, self._held, self._length, self._paste = "keys", "", 0, ""

    def _with_what_came_before(self, text: str) -> str:
        """Put before a read what it continues: what is held, or an ESC that was taken for a key."""
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
                return text[1:]  # a reply that was cut off by the next
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
        """Read what came after an ESC that was given out as the Esc key."""
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

    # ---------------------------------------------------------------- one sequence: what is left

    def _type(self, text: str) -> None:
        text = text.translate(_NOT_TYPED)
        if text:
            self._units.append(text)

    def _type_alone(self, begun: str) -> None:
        """Give out what begins a sequence as the key it is without one: Esc, or Alt and a key."""
        self._units.extend(alt_key(begun[1], kitty=self._kitty) if len(begun) > 1 else (ESC,))

    def _hold(self, sequence: str) -> str:
        self._held = sequence[: LONGEST_SEQUENCE + 1]  # one more: it stays too long for a key
        return ""

    def _read_keys(self, data: str) -> str:
        """Read typed text up to an ESC, or what begins with one."""
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
            if end == len(CSI):  # nothing between
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
        """Drop a string up to its end, or to what cannot be in it."""
        end = _STRING_END.search(data)
        if end is None:
            return ""
        if end.group() == ESC:
            self._held = ESC
            return ""
        self._state, self._length = "keys", 0
        return data[end.end() :]

    def _read_paste(self, data: str) -> str:
        """Keep pasted text, without control characters: Textual reads keys behind an ESC."""
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
    """Where a pattern that matches at the beginning of the data ends."""
    match = pattern.match(data)
    return match.end() if match is not None else 0
