"""Celery tasks; as a program, the load: it sends them, some to a name that fails."""

import os
import sys
import time

import shop
from celery import Celery

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.worker_send_task_events = True
app.conf.task_send_sent_event = True


@app.task(name="shop.pack")
def pack(item: int) -> int:
    shop.work("/pack")
    return item


@app.task(name="shop.invoice")
def invoice(item: int) -> int:
    shop.work("/slow")
    return item


@app.task(name="shop.refund")
def refund(item: int) -> None:
    shop.work("/fail")


@app.task(name="shop.ship", bind=True, max_retries=2, default_retry_delay=1)
def ship(self: object, item: int) -> int:
    if item % 3 == 0:
        raise self.retry()  # type: ignore[attr-defined]
    return item


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        task = (pack, pack, invoice, ship, refund)[number % 5]
        task.delay(number)
        print(time.time(), task.name, flush=True)
        time.sleep(0.2)
