"""Dask scheduler and one worker in this process, and the load: tasks, some of which fail."""

import sys
import time

import shop
from distributed import Client, LocalCluster


def pack(item: int) -> int:
    shop.work("/pack")
    return item


if __name__ == "__main__":
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address=f"127.0.0.1:{sys.argv[1]}",
        ) as cluster,
        Client(cluster) as client,
    ):
        for number in range(100_000):
            client.submit(pack, number, pure=False)
            client.submit(shop.work, "/fail", pure=False)
            time.sleep(0.3)
