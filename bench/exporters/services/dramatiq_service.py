"""Dramatiq actors with its own Prometheus middleware; as a program, the load."""

import os
import sys
import time

import dramatiq
import shop
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware.prometheus import Prometheus

broker = RedisBroker(url=os.environ["BROKER"])
# Its address comes from dramatiq_prom_host and dramatiq_prom_port.
broker.add_middleware(Prometheus())
dramatiq.set_broker(broker)


@dramatiq.actor
def pack(item: int) -> None:
    shop.work("/pack")


@dramatiq.actor
def invoice(item: int) -> None:
    shop.work("/slow")


@dramatiq.actor(max_retries=1, min_backoff=500)
def refund(item: int) -> None:
    shop.work("/fail")


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        (pack, pack, invoice, pack, refund)[number % 5].send(number)
        time.sleep(0.2)
