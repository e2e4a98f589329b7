"""The Notion mirror: a wish to have a page made anew, where pages were left, who pairs a webhook."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# As in 0002: empty again after the transaction that set it.
OWN = "workspace_id = (SELECT nullif(current_setting('spotloom.workspace', true), '')::uuid)"


def upgrade() -> None:
    op.add_column(
        "mirror_outbox",
        sa.Column("anew", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="spotloom",
    )
    op.add_column("mirror", sa.Column("pairing_by", sa.String(), nullable=True), schema="spotloom")
    op.create_table(
        "mirror_left",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("database_id", sa.String(), nullable=False),
        sa.Column("data_source_id", sa.String(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("mirror_left_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("target", "workspace_id", name=op.f("mirror_left_pk")),
        schema="spotloom",
    )
    table = "spotloom.mirror_left"
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO spotloom_web, spotloom_worker")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, rule in {
        "spotloom_web": OWN,
        "spotloom_gate": "true",
        "spotloom_worker": "true",
    }.items():
        op.execute(f"CREATE POLICY {role} ON {table} TO {role} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    op.drop_table("mirror_left", schema="spotloom")
    op.drop_column("mirror", "pairing_by", schema="spotloom")
    op.drop_column("mirror_outbox", "anew", schema="spotloom")
