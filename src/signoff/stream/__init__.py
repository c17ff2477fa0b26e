"""Live traffic: items arrive one by one, and what a window can bear leaves at once."""
