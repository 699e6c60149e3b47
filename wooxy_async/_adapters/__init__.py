"""Adapters that do the I/O; they never import one another."""
