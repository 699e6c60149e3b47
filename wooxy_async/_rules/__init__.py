"""Rules as pure code: no I/O, no clock, no event loop."""
