"""Keys, signed checkpoints, the exported log, and its verification."""
