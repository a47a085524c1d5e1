"""One file per verb, with its run function. Like the rest of `cli`, it may print and exit."""
