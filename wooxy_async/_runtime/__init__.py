"""At home in the program of others: its event loop, its log, and code that is not ours."""
