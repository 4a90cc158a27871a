"""Each tenant's full text has a column more, and its view unpacks what is cold: both go, and are made anew
when the tenant is next entered."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for tenant in op.get_bind().scalars(text("SELECT key FROM tenants")).all():
        op.execute(f"DROP TABLE IF EXISTS words_{tenant:d}")
        op.execute(f"DROP VIEW IF EXISTS words_source_{tenant:d}")
