"""Reference implementations that only tests use: PromQL as Prometheus evaluates it."""
