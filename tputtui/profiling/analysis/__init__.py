"""Derive views of a profile: trees, tables, differences and insights. Pure."""
