"""Read the machine: host counters, control groups, processes and sockets. Collects and does not interpret."""
