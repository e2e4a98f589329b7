"""A provider's job belongs to one video, also where workspaces share the account."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The account is written by the database, so that an older release beside this one keeps to it.
NAME = """
CREATE FUNCTION spotloom.name_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.account := (
    SELECT l.provider || ' ' || l.account FROM spotloom.lane l WHERE l.id = NEW.lane_id);
  RETURN NEW;
END $$
"""
NAMED = """
CREATE TRIGGER generation_account BEFORE INSERT OR UPDATE OF provider_job_id
  ON spotloom.generation FOR EACH ROW EXECUTE FUNCTION spotloom.name_account()
"""
# Nothing of this is news for people or for Notion. Where two videos claim one job already, the
# first one keeps it to itself; the other is as it was.
KNOWN = """
UPDATE spotloom.generation g SET account = l.provider || ' ' || l.account
  FROM spotloom.lane l
 WHERE l.id = g.lane_id AND g.provider_job_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM spotloom.generation o JOIN spotloom.lane ol ON ol.id = o.lane_id
                    WHERE o.provider_job_id = g.provider_job_id AND o.id < g.id
                      AND (ol.provider, ol.account) = (l.provider, l.account))
"""


def upgrade() -> None:
    op.add_column("generation", sa.Column("account", sa.String(), nullable=True), schema="spotloom")
    op.execute("ALTER TABLE spotloom.generation DISABLE TRIGGER USER")
    for table in ("generation", "lane"):  # else an owner who is no superuser sees no row
        op.execute(f"ALTER TABLE spotloom.{table} NO FORCE ROW LEVEL SECURITY")
    op.execute(KNOWN)
    for table in ("generation", "lane"):
        op.execute(f"ALTER TABLE spotloom.{table} FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE spotloom.generation ENABLE TRIGGER USER")
    op.create_unique_constraint(
        op.f("generation_account_provider_job_id_uq"),
        "generation",
        ["account", "provider_job_id"],
        schema="spotloom",
    )
    op.execute(NAME)
    op.execute(NAMED)


def downgrade() -> None:
    op.execute("DROP TRIGGER generation_account ON spotloom.generation")
    op.execute("DROP FUNCTION spotloom.name_account")
    op.drop_constraint(
        op.f("generation_account_provider_job_id_uq"), "generation", schema="spotloom"
    )
    op.drop_column("generation", "account", schema="spotloom")
