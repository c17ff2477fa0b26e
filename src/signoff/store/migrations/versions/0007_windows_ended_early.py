"""Windows that are ended before all their items arrived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Say of each window how many items it ended with, where somebody ended it early."""
    op.add_column("stream_windows", sa.Column("ended", sa.BigInteger(), nullable=True))
