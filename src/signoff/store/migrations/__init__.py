"""Alembic migrations, from the first released schema on."""
