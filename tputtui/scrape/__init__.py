"""Fetch and parse what targets serve."""
