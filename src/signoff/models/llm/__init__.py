"""Language models as annotators: what is asked of them, how it is sent, and how it is read."""
