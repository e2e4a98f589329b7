"""Briefs to start from: a workspace's templates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As in 0002: empty again after the transaction that set it.
OWN = "workspace_id = (SELECT nullif(current_setting('spotloom.workspace', true), '')::uuid)"


def upgrade() -> None:
    op.create_table(
        "brief_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("brief", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("brief_template_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("brief_template_pk")),
        sa.UniqueConstraint(
            "workspace_id", "name", name=op.f("brief_template_workspace_id_name_uq")
        ),
        schema="spotloom",
    )
    table = "spotloom.brief_template"
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO spotloom_web")
    op.execute(f"GRANT SELECT ON {table} TO spotloom_worker")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role, rule in {
        "spotloom_web": OWN,
        "spotloom_gate": "true",
        "spotloom_worker": "true",
    }.items():
        op.execute(f"CREATE POLICY {role} ON {table} TO {role} USING ({rule}) WITH CHECK ({rule})")


def downgrade() -> None:
    op.drop_table("brief_template", schema="spotloom")
