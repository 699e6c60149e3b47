"""The client: what was asked, its messages on their way, and their streams."""
