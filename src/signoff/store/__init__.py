"""The store: one schema on SQLite and PostgreSQL, columnar artifacts beside it."""
