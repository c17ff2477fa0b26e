"""A stored project: its rows, its items, who owns its loop, what proves and shows its result."""
