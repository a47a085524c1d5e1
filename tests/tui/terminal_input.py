"""Replies of terminals, and Textual's messages for reads with pauses between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.events import Event
from textual.message import Message

from tputtui.tui.terminal.driver import UnitParser
from tputtui.tui.terminal.reply_filter import ReplyFilter

ESCAPE_DELAY_S = 0.1
SHORT_S = 0.05

CSI_REPLIES = (
    "\x1b[?1;2c",  # DA1: VT100, and what later terminals say
    "\x1b[?6c",
    "\x1b[?62;4;6;22c",
    "\x1b[?64;1;2;6;9;15;18;21;22;28;29c",
    "\x1b[>0;276;0c",  # DA2
    "\x1b[>41;388;0c",
    "\x1b[?2026;0$y",  # DECRPM, also of modes that Textual asks for
    "\x1b[?1016;2$y",
    "\x1b[?2027;3$y",
    "\x1b[4;2$y",
    "\x1b[0n",  # DSR
    "\x1b[?10n",
    "\x1b[?997;1n",
    "\x1b[?27;1;0;0n",
    "\x1b[24;80R",  # CPR, DECXCPR
    "\x1b[1;1R",
    "\x1b[?24;80;1R",
    "\x1b[1t",  # window reports
    "\x1b[3;100;200t",
    "\x1b[4;600;800t",
    "\x1b[5;1080;1920t",
    "\x1b[6;20;10t",
    "\x1b[8;24;80t",
    "\x1b[9;67;240t",
    "\x1b[?0u",  # kitty keyboard flags
    "\x1b[?31u",
    "\x1b[106;1:3u",  # kitty keyboard: releases
    "\x1b[106:74;2:3u",
    "\x1b[1;1:3A",
    "\x1b[3;5:3~",
    "\x1b[57441;2:3u",
    "\x1b[0;0;98u",  # a modifier 0: a kitty adds 1
    "\x1b[98;0u",
    "\x1b[98;00:1u",
    "\x1b[1;0A",
    "\x1b[27;0;98~",
    "\x1b[113;1:9u",  # and invalid events, modifiers and characters
    "\x1b[113;999u",
    "\x1b[1114112u",
    "\x1b[55296u",
    "\x1b[113;1;1114112u",
    "\x1b[113;1;27u",
    "\x1b[0u",
    "\x1b[113~",  # "q", if it is read as a character
    "\x1b[63~",
    "\x1b[2;1;1;112;112;1;0x",  # DECREPTPARM
    "\x1b[?1;1;1S",  # XTSMGRAPHICS
    "\x1b[?4;63;256S",
    "\x1b[>4;1m",  # XTQMODKEYS
    "\x1b[<0;-5;3M",  # invalid mouse reports
    "\x1b[<999999;999999;999999M",
    "\x1b[<0;0;0M",
    "\x1b[32;10;10M",  # mouse 1015
    "\x1b[M !!",  # mouse 1000
    "\x1b[M#qq",
    "\x1b[M\x60\u0144\u0101",  # mouse 1005
    "\x1b[" + "9;" * 200 + "m",
    "\x1b[201~",  # the end of a paste without a beginning
    "\x1b[1;2z",
    "\x1b[?1;2;3;4;5;6h",
)
STRING_BODIES = (
    "]4;1;rgb:cdcd/0000/0000",
    "]10;rgb:ffff/ffff/ffff",
    "]11;rgb:1e1e/1e1e/2e2e",
    "]12;rgba:ffff/ffff/ffff/ffff",
    "]52;c;cXF1aXQ=",
    "]99;i=1:p=?;p=title",
    "]1337;ReportCellSize=17.0;8.0",
    "]lmy quick window",
    "]Lq",
    "P>|XTerm(388)",
    "P>|tmux 3.4",
    "P!|7E565445",
    "P1$r0;1m",
    "P0$r",
    "P1+r544e=787465726d",
    "P0+r",
    "_Gi=1;OK",
    "_Gi=31,p=1;ENOENT:bad q",
    "^privacy q",
    "Xany q",
)
STRING_REPLIES = tuple(
    body.join(("\x1b", end)) for body in STRING_BODIES for end in ("\x1b\\", "\x07")
)
REPLIES = CSI_REPLIES + STRING_REPLIES
EIGHT_BIT_REPLIES = (
    "\x9b?62;4c",
    "\x9b>0;276;0c",
    "\x9d11;rgb:0/0/0\x9c",
    "\x90>|XTerm(388)\x9c",
    "\x9fGi=1;OK\x9c",
)

MAY_ACT_AT_A_CUT = {
    "escape",
    "alt+left_square_bracket",
    "alt+right_square_bracket",
    "alt+underscore",
    "alt+circumflex_accent",
    "alt+shift+p",
    "alt+shift+x",
    "alt+shift+o",
}


def ignore(_: Exception) -> None:
    """Drop an event on which Textual would fail; the filter lets none of these through."""


def messages(reads: Iterable[str], pauses: Sequence[float] = ()) -> list[Message]:
    """Return Textual's messages for some reads, with a pause (s) after each but the last."""
    replies, parser = ReplyFilter(ESCAPE_DELAY_S), UnitParser(ignore)
    now = 100.0
    units: list[str] = []
    for read, pause in zip(reads, (*pauses, 60.0), strict=True):
        units.extend(replies.feed(read, now))
        end = now + pause
        while (deadline := replies.deadline) is not None and deadline <= end:
            units.extend(replies.tick(deadline))
        now = end
    return [message for unit in units for message in parser.messages(unit)]


def shown(received: Iterable[Message]) -> list[str]:
    """Return each message as text: keys by name, others with their content."""
    return [getattr(message, "key", None) or _described(message) for message in received]


def _described(message: Message) -> str:
    carried = {
        name: value
        for name, value in vars(message).items()
        if not name.startswith("_") and name != "time"
    }
    return (
        f"{type(message).__name__}{carried}"
        if isinstance(message, Event)
        else type(message).__name__
    )
