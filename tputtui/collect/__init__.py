"""Where numbers come from: endpoints, the host, processes, discovery. Collects and does not interpret."""
