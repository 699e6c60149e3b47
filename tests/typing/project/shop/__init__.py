"""A shop that sends Viber messages."""
