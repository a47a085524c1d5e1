"""Read targets over HTTP: connections, limits and the exposition scanner. Collects and does not interpret."""
