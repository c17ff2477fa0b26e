"""What the engine is made of: what is known, what is written down, how far it got."""
