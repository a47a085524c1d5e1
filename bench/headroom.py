"""Sustained maximum of `stream` under the demo's ramps, beside that of Erlang C for its pool.

Run it as `python bench/headroom.py [--seconds 480]`. The demo's bottleneck is an M/M/c queue by
construction: the objective is on the time to get a connection (99 % within what the demo calls
sustained), the throughput is that of all requests. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tputtui.demo import shop_routes
from tputtui.demo.launch import Demo

CONFIG = """
[[targets]]
name = "demo"
url = "{url}"
[targets.bindings]
traffic = "http_requests_total"
latency = "db_pool_acquire_seconds"
"""


def main() -> None:
    """Watch for some time, and print the final result with its course."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=480.0, help="four ramps of two minutes (480)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    headroom, trail = None, []
    with tempfile.TemporaryDirectory() as folder, Demo(seed=options.seed) as demo:
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG.format(url=demo.start()[0]))
        config.chmod(0o600)
        objective = f"p99<={shop_routes.MAX_WAIT_S * 1000:g}ms"
        argv = [
            sys.executable,
            "-m",
            "tputtui",
            "stream",
            "--config",
            str(config),
            "--objective",
            objective,
        ]
        argv += ["--window", "5s"]  # the ramp takes 45 s
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as stream:
            assert stream.stdout is not None
            demo.start_load()
            began = time.monotonic()
            for line in stream.stdout:
                document = json.loads(line)
                if document["headroom"] != headroom:
                    headroom = document["headroom"]
                    trail.append((round(time.monotonic() - began), headroom))
                if time.monotonic() - began > options.seconds:
                    break
            stream.terminate()
        summary = demo.stop_load()
    truth = shop_routes.sustained_max_rps()
    print(
        f"objective {objective} on the time to get a connection; {summary.sent} requests sent in {options.seconds:g} s"
    )
    for seconds, document in trail:
        if document is not None:
            print(
                f"after {seconds:4} s: {document['kind']:8} {document['value']:7.1f}/s, bracket {document['bracket']}"
            )
    if headroom is None:
        print(f"nothing found; Erlang C: {truth:.1f}/s")
    else:
        print(
            f"found {headroom['value']:.1f}/s, Erlang C {truth:.1f}/s: {headroom['value'] / truth:.3f}"
        )


if __name__ == "__main__":
    main()
