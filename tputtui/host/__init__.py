"""Read the machine: counters, control groups, processes, sockets."""
