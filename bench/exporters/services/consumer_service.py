"""A consumer of an imagined queue, instrumented by hand: no HTTP request is ever served."""

import random
import sys
import time

import shop
from prometheus_client import Counter, Gauge, Histogram, start_http_server

MESSAGES = Counter("consumer_messages_processed_total", "Messages processed", ["topic", "outcome"])
TIME = Histogram("consumer_processing_seconds", "Time to process a message", ["topic"])
LAG = Gauge("consumer_lag_messages", "Messages that wait", ["topic"])
TOPICS = ("orders", "payments")

if __name__ == "__main__":
    start_http_server(int(sys.argv[1]), "127.0.0.1")
    while True:
        topic = random.choice(TOPICS)
        with TIME.labels(topic).time():
            time.sleep(shop.delay_s("/slow" if topic == "payments" else "/orders"))
        outcome = "failed" if random.random() < 0.1 else "succeeded"
        MESSAGES.labels(topic, outcome).inc()
        LAG.labels(topic).set(random.randrange(20))
        time.sleep(0.05)
