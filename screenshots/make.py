"""`make screenshots`: screenshots for the README from the running program on real targets.

The demo, Debian's node-exporter and a Prometheus server (where they are installed) are started on
loopback and watched; after half a minute the screen is saved at three sizes, then a process is
profiled and each of its tabs is saved, too (`python screenshots/make.py profiles`: those alone;
`split`: only a canary beside the other replica).
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from textual.pilot import Pilot

from tputtui.demo.launch import Demo
from tputtui.engine.engine import Engine
from tputtui.settings import Settings, TargetSettings
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.session import ScreenEnvironment

HERE = Path(__file__).resolve().parent
SETTLE_S = 75.0
SIZES = ((80, 24), (120, 40), (200, 60))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(argv: list[str]) -> Iterator[None]:
    """Start a server, and end it with the block."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def servers(stack: ExitStack, demo: str) -> list[TargetSettings]:
    """Yield the targets: the demo, and the installed ones of Debian's servers."""
    targets = [TargetSettings(name="shop", url=demo)]
    path = "/usr/sbin:/usr/bin:/bin:/usr/local/bin"
    exporter = shutil.which("prometheus-node-exporter", path=path)
    if exporter:
        port = free_port()
        stack.enter_context(running([exporter, f"--web.listen-address=127.0.0.1:{port}"]))
        targets.append(TargetSettings(name="node", url=f"http://127.0.0.1:{port}/metrics"))
    server = shutil.which("prometheus", path=path)
    if server:
        port = free_port()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scraped = demo.partition("://")[2].partition("/")[0]
        (folder / "p.yml").write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n"
            f'- {{job_name: shop, static_configs: [{{targets: ["{scraped}", "127.0.0.1:{port}"]}}]}}\n'
        )
        flags = [f"--config.file={folder}/p.yml", f"--storage.tsdb.path={folder}/data"]
        stack.enter_context(running([server, *flags, f"--web.listen-address=127.0.0.1:{port}"]))
        targets.append(TargetSettings(name="prometheus", url=f"http://127.0.0.1:{port}/metrics"))
    return targets


async def save(pilot: Pilot[int], app: TputtuiApp, name: str) -> None:
    """Save the current screen."""
    await pilot.pause(1.5)
    picture = app.export_screenshot(title="tputtui").replace(
        str(HERE.parent), "/srv/tputtui"
    )  # independent of the user's checkout
    (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")
    print(f"screenshots/{name}.svg")


async def take_profiles(pilot: Pilot[int], app: TputtuiApp) -> None:
    """Save a profile in each of its tabs, then its difference from another one."""
    for again in (False, True):
        await pilot.press("p")
        await asyncio.sleep(app.session.settings.profile.duration_s + 5)
        if again:
            break
        await pilot.press("asterisk")
        await save(pilot, app, "profile-120x40")
        for key, view in (("5", "source"), ("3", "hot"), ("4", "flame"), ("6", "threads")):
            await pilot.press(key)
            await save(pilot, app, f"profile-{view}-120x40")
        await pilot.press("1")
    await pilot.press("D", "enter", "3")
    await save(pilot, app, "profile-difference-120x40")


async def take(targets: list[TargetSettings], only_profiles: bool, state: Path) -> None:
    settings = Settings(targets=tuple(targets))
    themes = tuple(theme_files.theme_folders())
    place = ScreenEnvironment("web-01", float(time.localtime().tm_gmtoff), state, themes)
    for theme in ("dark", "light"):
        app = TputtuiApp(
            settings,
            Capabilities.of_live(Engine(settings)),
            palette.load_palette(theme, themes),
            place,
        )
        async with app.run_test(size=SIZES[1]) as pilot:
            if only_profiles:
                await asyncio.sleep(20.0)
                await take_profiles(pilot, app)
                app._stop_source()
                return
            await asyncio.sleep(SETTLE_S if theme == "dark" else 20.0)
            if theme == "light":
                await save(pilot, app, "live-120x40-light")
                continue
            for width, height in SIZES:
                await pilot.resize_terminal(width, height)
                await pilot.pause(2.5)
                await save(pilot, app, f"live-{width}x{height}")
            await pilot.resize_terminal(*SIZES[1])
            await pilot.pause(0.5)
            await take_profiles(pilot, app)


async def take_split(urls: list[str], state: Path) -> None:
    """Save a canary beside the other replica, once a change is confirmed."""
    targets = tuple(
        TargetSettings(name=f"shop-{at}", url=url, service="shop") for at, url in enumerate(urls, 1)
    )
    settings = Settings(targets=targets)
    themes = tuple(theme_files.theme_folders())
    place = ScreenEnvironment("web-01", float(time.localtime().tm_gmtoff), state, themes)
    app = TputtuiApp(
        settings,
        Capabilities.of_live(Engine(settings)),
        palette.load_palette("dark", themes),
        place,
    )
    async with app.run_test(size=SIZES[1]) as pilot:
        await asyncio.sleep(15.0)
        await pilot.press("a")
        await pilot.pause(2.0)
        await pilot.press("down", "enter")
        await asyncio.sleep(240.0)
        await save(pilot, app, "split-120x40")
        app._stop_source()


def main() -> None:
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if "split" in sys.argv[1:] or len(sys.argv) == 1:
            with Demo(load=300.0, seed=11, canary=1.3) as two:
                urls = two.start()
                two.start_load()
                asyncio.run(take_split(urls, state))
        if "split" in sys.argv[1:]:
            return
        demo = stack.enter_context(Demo(load=420.0, seed=11))
        url = demo.start()[0]
        targets = servers(stack, url)
        demo.start_load()
        asyncio.run(take(targets, "profiles" in sys.argv[1:], state))


if __name__ == "__main__":
    main()
