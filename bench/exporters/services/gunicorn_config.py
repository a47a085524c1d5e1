"""Gunicorn's hook that forgets the live gauges of a worker that has ended."""

from typing import Any


def child_exit(server: Any, worker: Any) -> None:
    """Tell prometheus_client that a worker has ended."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
