"""A replay as the screen's source: playing, pausing, seeking and speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from recorded_runs import record

from tputtui.engine.replay.player import SPEEDS, Player
from tputtui.engine.replay.recorded_families import RecordedFamilies
from tputtui.engine.replay.replay_buffer import ReplayBuffer, without_history
from tputtui.engine.snapshot_cache import SnapshotCache
from tputtui.model import Snapshot
from tputtui.recording import container
from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedTick, RunItem
from tputtui.signals.rates.past import PastNames, PastRequest


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def played(tmp_path: Path) -> Iterator[tuple[Player, list[Snapshot], list[Snapshot]]]:
    """Start a replay; return (the replay, its snapshots, the live snapshots)."""
    live = record(tmp_path / "a", 200, mark_at=(50,))
    replay = Player(Run(tmp_path / "a"))
    shown: list[Snapshot] = []
    replay.subscribe(shown.append)
    replay.pause(True)
    replay.start()
    yield replay, shown, live
    replay.stop()
    assert replay.failure is None


Played = tuple[Player, list[Snapshot], list[Snapshot]]


def test_any_moment_shows_the_snapshot_that_was_live(played: Played) -> None:
    replay, shown, live = played
    assert until(lambda: bool(shown))
    for tick in (150, 10, 199, 0):
        replay.seek(1000.0 + tick)
        assert until(lambda tick=tick: shown[-1].services == live[tick].services)  # type: ignore[misc]
        assert shown[-1].at == live[tick].at
        assert replay.snapshot_at(1000.0 + tick) == shown[-1]


def test_an_unread_moment_is_shown_without_reading_everything_before_it(
    tmp_path: Path,
) -> None:
    live = record(tmp_path / "a", 1500)
    replay = Player(Run(tmp_path / "a"))
    shown: list[Snapshot] = []
    replay.subscribe(shown.append)
    replay.pause(True)
    replay._buffer.set_paused(True)
    replay.start()
    replay._choose_buffer = knowing(replay, hold=True)  # type: ignore[method-assign]
    replay.seek(2300.0)
    assert until(lambda: bool(shown) and shown[-1].at == 2300.0)
    assert (replay._buffer.newest_at or 0.0) < 1100.0, "the reel of the whole run was held"
    wanted = without_history(live[1300])
    assert shown[-1].services == wanted.services, (
        "a figure that accumulates since the start is missing in `without_history`"
    )
    assert shown[-1].services[0].traffic is not None
    assert shown[-1].services[0].traffic.total is None, (
        "what is counted since the start is not known"
    )
    assert replay.position.seconds == 1300.0
    assert replay.position.read_ratio < 0.1
    replay._choose_buffer = knowing(replay, hold=False)  # type: ignore[method-assign]
    assert until(lambda: shown[-1].services == live[1300].services), (
        "once all was read it is the live one"
    )
    replay.stop()
    assert replay.failure is None


def knowing(replay: Player, hold: bool) -> Callable[[], ReplayBuffer]:
    """Run the player's own choice of buffer, with the buffer of the full run held or not."""

    def choose() -> ReplayBuffer:
        chosen = Player._choose_buffer(replay)
        replay._buffer.set_paused(hold)
        return chosen

    return choose


def test_an_internal_error_in_the_player_ends_the_replay_and_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "a", 600)
    replay = Player(Run(tmp_path / "a"))
    replay.pause(True)
    monkeypatch.setattr("tputtui.engine.replay.replay_buffer.without_history", lambda _: 1 / 0)
    replay.seek(1550.0)
    replay.start()
    assert until(lambda: replay.failure is not None)
    assert isinstance(replay.failure, ZeroDivisionError)
    replay.stop()


@pytest.mark.slow
def test_it_plays_on_from_the_requested_moment(tmp_path: Path) -> None:
    record(tmp_path / "a", 900)
    replay = Player(Run(tmp_path / "a"), begin=1600.0, speed=60.0)
    shown: list[Snapshot] = []
    replay.subscribe(shown.append)
    replay.start()
    assert until(lambda: bool(shown) and shown[-1].at == 1899.0)
    assert shown[0].at >= 1599.0
    assert [snapshot.at for snapshot in shown] == sorted(snapshot.at for snapshot in shown)
    replay.stop()


def test_it_stops_while_paused_and_continues_at_its_speed(played: Played) -> None:
    replay, shown, _ = played
    assert until(lambda: bool(shown))
    time.sleep(0.3)
    assert len(shown) == 1
    assert replay.position.is_paused
    replay.change_speed(len(SPEEDS))
    assert replay.position.speed == 60.0
    replay.pause()
    assert until(lambda: shown[-1].at >= 1100.0)
    assert until(lambda: replay.position.seconds == replay.position.length_s)
    assert shown[-1].at == 1199.0
    replay.pause()
    assert until(lambda: shown[-1].at < 1100.0)


def test_a_moment_beyond_the_ends_is_the_end(played: Played) -> None:
    replay, shown, _ = played
    replay.seek(9e9)
    assert until(lambda: bool(shown) and shown[-1].at == 1199.0)
    replay.seek(-5.0)
    assert until(lambda: shown[-1].at == 1000.0)


def test_the_time_axis_ends_at_the_shown_moment(played: Played) -> None:
    replay, shown, _ = played
    assert until(lambda: replay.position.read_ratio == 1.0)
    name = next(
        figure for figure in replay._buffer._feed.pipeline.history.names() if "traffic" in figure
    )
    replay.seek(1100.0)
    assert until(lambda: bool(shown) and shown[-1].at == 1100.0)
    request = PastRequest(PastNames(frozenset((name,))), 60.0)
    assert replay.read_past(request).columns(name, 10)[-1] == pytest.approx(101.0, abs=2)
    replay.seek(1000.0)
    assert until(lambda: shown[-1].at == 1000.0)
    assert replay.read_past(request).columns(name, 10)[:9] == (None,) * 9


def test_a_very_long_run_keeps_every_other_snapshot_in_bounded_memory(played: Played) -> None:
    _, _, live = played
    tape = SnapshotCache(max_snapshots=50)
    for snapshot in live:
        tape.add(snapshot)
    assert len(tape._times) <= 50
    restored = tape.snapshot_at(1150.0)
    assert restored is not None
    assert 1140.0 < restored.at <= 1150.0
    assert tape.snapshot_at(0.0) is None


def test_a_damaged_part_is_left_out_and_reported(tmp_path: Path) -> None:
    record(tmp_path / "a", 150)
    content = bytearray((tmp_path / "a").read_bytes())
    content[bytes(content).find(container.SIGNATURE, 10) + 400] ^= 0x40
    (tmp_path / "a").write_bytes(content)
    with Run(tmp_path / "a") as run:
        player = Player(run)
        player.start()
        assert until(lambda: bool(player.damage))
        assert "left out" in player.damage[0]
        assert player.position.length_s == 149.0
        player.stop()


class Counted:
    """Player that counts the readings it decodes."""

    def __init__(self, looking: RecordedFamilies) -> None:
        self._looking = looking
        self.readings = 0

    def begin(self) -> None:
        self.readings = 0
        replayer = self._looking._feed
        take = type(replayer).apply_item

        def counted(item: RunItem) -> Snapshot | None:
            self.readings += isinstance(item, RecordedTick)
            return take(replayer, item)

        replayer.apply_item = counted  # type: ignore[method-assign]


def test_the_browser_of_a_replay_reads_on_and_shows_the_same_as_a_fresh_read(
    tmp_path: Path,
) -> None:
    record(tmp_path / "a", 400)
    with Run(tmp_path / "a") as run:
        looking = RecordedFamilies(run, "api")
        counted = Counted(looking)
        for at in (1300.0, 1301.0, 1307.5, 1200.0, 1399.0):
            once = RecordedFamilies(run, "api")
            wanted, chosen = once.families_at(at), looking.families_at(at)
            once.close()
            assert wanted is not None
            assert chosen is not None
            assert chosen[0].at == wanted[0].at == pytest.approx(int(at), abs=0.02)
            assert chosen[0].family_values.values == wanted[0].family_values.values
            assert chosen[1]["http_requests_total"][-60:] == wanted[1]["http_requests_total"][-60:]
            if at == 1307.5:
                assert counted.readings == 6, "those between 1301 and 1307.5"
            counted.begin()
        assert RecordedFamilies(run, "nobody").families_at(1300.0) is None
        looking.close()
