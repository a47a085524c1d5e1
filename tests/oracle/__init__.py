"""Reference implementations that only tests use: PromQL, and the rule for a single counter."""
