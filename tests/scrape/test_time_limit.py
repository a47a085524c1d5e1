"""Time limits leave out the time in which this program itself could not run."""

from __future__ import annotations

import asyncio
import time

import pytest

from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.scanner import Scanner
from tputtui.scrape.time_limit import CHECK_INTERVAL_S, AnswerWait, LoopDelay, TimeLimit, loop_delay

HELD_S = 1.0


async def test_a_call_longer_than_the_limit_times_out() -> None:
    with pytest.raises(TimeoutError):
        async with TimeLimit(0.05):
            await asyncio.sleep(60)


async def test_a_call_within_the_limit_returns_and_its_own_exception_propagates() -> None:
    async with TimeLimit(60):
        await asyncio.sleep(0)
    with pytest.raises(KeyError):
        async with TimeLimit(60):
            raise KeyError


@pytest.mark.parametrize("held", [1, 3])
async def test_time_in_which_the_loop_was_blocked_does_not_count(held: int) -> None:
    """Blocked far longer than the limit, once or repeatedly: received data is still read."""
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with TimeLimit(0.7) as limit:
        for _ in range(held):
            time.sleep(HELD_S)  # noqa: ASYNC251  # the loop is to be held up
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, answer.set_result, "here")
        assert await answer == "here"
        assert limit.delayed_s > held * (HELD_S - CHECK_INTERVAL_S) * 0.9


async def test_an_answer_already_in_the_socket_on_waking_is_not_a_failure() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\na_total 10\n"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = Endpoint(
        EndpointSettings(name="t", url=f"http://127.0.0.1:{port}/metrics"), Scanner()
    )
    assert (await endpoint.scrape(10.0)).error is None
    asyncio.get_running_loop().call_soon(time.sleep, 1.5)  # as soon as the request is under way
    scrape = await endpoint.scrape(0.5)
    await endpoint.aclose()
    server.close()
    assert scrape.error is None
    assert scrape.delayed_s > 0.5


async def test_delay_is_measured_only_while_a_limit_is_active() -> None:
    delay = LoopDelay(asyncio.get_running_loop())
    time.sleep(0.3)  # noqa: ASYNC251
    assert delay.total_s == 0.0
    delay.start()
    delay.start()
    time.sleep(HELD_S)  # noqa: ASYNC251
    delay.stop()
    delay.stop()
    before = delay.total_s
    assert HELD_S - CHECK_INTERVAL_S <= before <= HELD_S + 5
    time.sleep(0.3)  # noqa: ASYNC251
    assert delay.total_s == before


async def test_the_wait_for_an_answer_excludes_our_own_delay() -> None:
    wait = AnswerWait()
    wait.start()
    loop_delay().start()
    time.sleep(HELD_S)  # noqa: ASYNC251
    late_s = wait.late_s(0.0, is_connected=True)
    loop_delay().stop()
    assert late_s is not None
    assert late_s < HELD_S / 2
    assert wait.late_s(0.0, is_connected=False) is None, (
        "no answer can be late before the connection stands"
    )
    wait.stop(is_late=True)
    assert wait.late_s(3600.0, is_connected=False) is not None, (
        "beyond a deadline it is late whatever the interval"
    )
    wait.stop(is_late=False)
    assert wait.late_s(0.0, is_connected=True) is None
