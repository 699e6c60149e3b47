"""Clients that do the same work: one file each, found by itself; `interface.Peer` says what it holds."""
