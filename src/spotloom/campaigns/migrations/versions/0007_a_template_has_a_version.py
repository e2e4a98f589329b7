"""A template has a version, so that nobody saves over what they have not seen."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Counted by the database, so that the edits of an older release beside this one count, too.
COUNT = """
CREATE FUNCTION spotloom.count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END $$
"""
COUNTED = """
CREATE TRIGGER brief_template_version BEFORE UPDATE ON spotloom.brief_template
  FOR EACH ROW EXECUTE FUNCTION spotloom.count_version()
"""


def upgrade() -> None:
    op.add_column(
        "brief_template",
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        schema="spotloom",
    )
    op.execute(COUNT)
    op.execute(COUNTED)


def downgrade() -> None:
    op.execute("DROP TRIGGER brief_template_version ON spotloom.brief_template")
    op.execute("DROP FUNCTION spotloom.count_version")
    op.drop_column("brief_template", "version", schema="spotloom")
