"""Long work: what a worker does of the jobs table, and what it sends out."""
