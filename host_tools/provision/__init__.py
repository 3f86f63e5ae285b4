"""What makes a board this one and no other: its key and certificates."""
