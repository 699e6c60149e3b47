"""What is measured: one file each, found by itself; `interface.Question` says what it holds."""
