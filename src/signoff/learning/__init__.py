"""Strategies that learn from people's answers: what to ask next, and when to stop."""
