"""The metric browser's screen."""
