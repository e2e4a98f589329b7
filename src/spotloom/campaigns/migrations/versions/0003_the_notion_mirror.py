"""The Notion mirror: where videos are shown elsewhere, and what is still to be told there."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("mirror", "mirror_change", "mirror_outbox")
ENTERED = "(SELECT nullif(current_setting('spotloom.workspace', true), '')::uuid)"
POINTS_AT = {"mirror_outbox": ("campaign", "combination")}


def upgrade() -> None:
    _tables()
    _append_changes()
    _guard_rows()


def _time(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(
        name,
        postgresql.TIMESTAMP(timezone=True),
        server_default=server_default,
        nullable=nullable,
    )


def _workspace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id"],
        ["spotloom.workspace.id"],
        name=op.f(f"{table}_workspace_id_fk"),
        ondelete="CASCADE",
    )


def _tables() -> None:
    op.create_table(
        "mirror",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("database_id", sa.String(), nullable=False),
        sa.Column("data_source_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("bot_id", sa.String(), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("webhook_token", sa.String(), nullable=True),
        _time("pairing_until", nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        _time("creates_from", nullable=True),
        _time("paused_until", nullable=True),
        _time("turn_at", "now()"),
        sa.Column("interval_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("setbacks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("throttled", sa.Integer(), server_default="0", nullable=False),
        _time("poll_at", "now()"),
        _time("polled_to", "now()"),
        _time("trash_at", "now()"),
        _time("look_up_at", "now()"),
        _time("created_at", "now()"),
        _workspace("mirror"),
        sa.PrimaryKeyConstraint("target", name=op.f("mirror_pk")),
        schema="spotloom",
    )
    op.create_index("mirror_of_workspace", "mirror", ["workspace_id"], schema="spotloom")
    op.create_table(
        "mirror_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("combination_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), server_default="changed", nullable=False),
        _time("at", "clock_timestamp()"),
        sa.CheckConstraint("kind in ('changed','look','anew')", name=op.f("mirror_change_kind_ck")),
        _workspace("mirror_change"),
        sa.PrimaryKeyConstraint("id", name=op.f("mirror_change_pk")),
        schema="spotloom",
    )
    op.create_index(
        "mirror_change_of_workspace", "mirror_change", ["workspace_id"], schema="spotloom"
    )
    op.create_table(
        "mirror_outbox",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("combination_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("wanted", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("look", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _time("since", "now()"),
        _time("latest", "now()"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _time("next_at", "now()"),
        sa.Column("claim", sa.Uuid(), nullable=True),
        _time("leased_until", nullable=True),
        _time("creating_at", nullable=True),
        sa.Column("sent", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("agreed", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        _time("renew_at", nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        _time("mirrored_at", nullable=True),
        sa.Column("lag_s", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "state in ('pending','settled','blocked','unlinked')",
            name=op.f("mirror_outbox_state_ck"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["spotloom.campaign.id"],
            name=op.f("mirror_outbox_campaign_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["combination_id"],
            ["spotloom.combination.id"],
            name=op.f("mirror_outbox_combination_id_fk"),
            ondelete="CASCADE",
        ),
        _workspace("mirror_outbox"),
        sa.PrimaryKeyConstraint("target", "combination_id", name=op.f("mirror_outbox_pk")),
        schema="spotloom",
    )
    op.create_index(
        "mirror_outbox_due",
        "mirror_outbox",
        ["target", "since"],
        schema="spotloom",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "mirror_outbox_renewal",
        "mirror_outbox",
        ["renew_at"],
        schema="spotloom",
        postgresql_where=sa.text("state = 'settled'"),
    )
    op.create_index(
        "mirror_outbox_of_campaign",
        "mirror_outbox",
        ["workspace_id", "campaign_id", "state"],
        schema="spotloom",
    )
    op.create_index(
        "combination_of_page",
        "combination",
        ["notion_page_id"],
        schema="spotloom",
        postgresql_where=sa.text("notion_page_id IS NOT NULL"),
    )


def _append_changes() -> None:
    """Whatever changes a video, from whatever process, is noted with the change itself."""
    append = (
        "INSERT INTO spotloom.mirror_change (target, workspace_id, combination_id)"
        " SELECT m.target, m.workspace_id, {video} FROM spotloom.mirror m"
    )
    for name, body in (
        (
            "mirror_submitted",
            append.format(video="fresh.combination_id")
            + " JOIN fresh ON fresh.workspace_id = m.workspace_id",
        ),
        (
            "mirror_generation",
            append.format(video="NEW.combination_id") + " WHERE m.workspace_id = NEW.workspace_id",
        ),
        (
            "mirror_combination",
            append.format(video="NEW.id") + " WHERE m.workspace_id = NEW.workspace_id",
        ),
    ):
        op.execute(
            f"CREATE FUNCTION spotloom.{name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN {body}; RETURN NULL; END $$"
        )
    op.execute(
        "CREATE TRIGGER mirror_submitted AFTER INSERT ON spotloom.generation"
        " REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"
        " EXECUTE FUNCTION spotloom.mirror_submitted()"
    )
    for table, columns in (
        ("generation", ("status", "actual_cost", "error_code", "error_text")),
        ("combination", ("review", "reject_reason", "winner", "notes", "video_url")),
    ):
        old, new = (", ".join(f"{side}.{c}" for c in columns) for side in ("OLD", "NEW"))
        op.execute(
            f"CREATE TRIGGER mirror_{table} AFTER UPDATE OF {', '.join(columns)}"
            f" ON spotloom.{table} FOR EACH ROW"
            f" WHEN (({old}) IS DISTINCT FROM ({new}))"
            f" EXECUTE FUNCTION spotloom.mirror_{table}()"
        )


def _guard_rows() -> None:
    names = ", ".join(f"spotloom.{table}" for table in TABLES)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO spotloom_web, spotloom_worker")
    for table in TABLES:
        op.execute(f"ALTER TABLE spotloom.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE spotloom.{table} FORCE ROW LEVEL SECURITY")
        seen = f"workspace_id = {ENTERED}"
        own = [
            f"EXISTS (SELECT FROM spotloom.{one} WHERE {one}.id = {table}.{one}_id)"
            for one in POINTS_AT.get(table, ())
        ]
        may = f"({' AND '.join((seen, *own))})"
        for name, deed, rule in (
            ("spotloom_web", "SELECT", f"USING ({seen})"),
            ("spotloom_web_insert", "INSERT", f"WITH CHECK {may}"),
            ("spotloom_web_update", "UPDATE", f"USING ({seen}) WITH CHECK {may}"),
            ("spotloom_web_delete", "DELETE", f"USING ({seen})"),
        ):
            op.execute(
                f"CREATE POLICY {name} ON spotloom.{table} FOR {deed} TO spotloom_web {rule}"
            )
        for role in ("spotloom_gate", "spotloom_worker"):
            op.execute(
                f"CREATE POLICY {role} ON spotloom.{table} TO {role} USING (true) WITH CHECK (true)"
            )


def downgrade() -> None:
    op.execute("DROP FUNCTION spotloom.mirror_submitted CASCADE")
    op.execute("DROP FUNCTION spotloom.mirror_generation CASCADE")
    op.execute("DROP FUNCTION spotloom.mirror_combination CASCADE")
    op.drop_index("combination_of_page", table_name="combination", schema="spotloom")
    for table in reversed(TABLES):
        op.drop_table(table, schema="spotloom")
