"""Screen of the metric browser."""
