"""One file a verb: its run function. Together with `cli` the only place that prints or exits."""
