"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("queue_turn", schema="spotloom")))
    op.create_table(
        "lane",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("slot_limit", sa.Integer(), nullable=False),
        sa.Column("adapted_limit", sa.Integer(), nullable=True),
        sa.Column("starts_a_minute", sa.Integer(), nullable=True),
        sa.Column("paused_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("setbacks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("lane_pk")),
        sa.UniqueConstraint(
            "workspace_id",
            "provider",
            "account",
            name=op.f("lane_workspace_id_provider_account_uq"),
        ),
        schema="spotloom",
    )
    op.create_table(
        "taken_over",
        sa.Column("executor", sa.String(), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("executor", name=op.f("taken_over_pk")),
        schema="spotloom",
    )
    op.create_table(
        "webhook_event",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=True),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("webhook_event_pk")),
        schema="spotloom",
    )
    op.create_table(
        "workspace",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("budget", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("daily_budget", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("workspace_pk")),
        sa.UniqueConstraint("name", name=op.f("workspace_name_uq")),
        schema="spotloom",
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("batch_key", sa.String(), nullable=False),
        sa.Column("brief", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("brief_hash", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="active", nullable=False),
        sa.Column("estimated_cost", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("budget", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state in ('active','paused','cancelled')", name=op.f("campaign_state_ck")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["spotloom.workspace.id"], name=op.f("campaign_workspace_id_fk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("campaign_pk")),
        sa.UniqueConstraint(
            "workspace_id", "batch_key", name=op.f("campaign_workspace_id_batch_key_uq")
        ),
        schema="spotloom",
    )
    op.create_table(
        "combination",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["spotloom.campaign.id"],
            name=op.f("combination_campaign_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("combination_pk")),
        sa.UniqueConstraint("campaign_id", "key", name=op.f("combination_campaign_id_key_uq")),
        schema="spotloom",
    )
    op.create_table(
        "generation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("combination_id", sa.Uuid(), nullable=False),
        sa.Column("lane_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default="queued", nullable=False),
        sa.Column("admissions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("admitted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("provider_job_id", sa.String(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_text", sa.String(), nullable=True),
        sa.Column("estimated_cost", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("actual_cost", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("accepted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ready_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("over_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("cancel_asked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint(
            "status in ('queued','submitting','generating','finishing','completed','failed','cancelled','expired','lost','unknown')",
            name=op.f("generation_status_ck"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["spotloom.campaign.id"],
            name=op.f("generation_campaign_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["combination_id"],
            ["spotloom.combination.id"],
            name=op.f("generation_combination_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lane_id"], ["spotloom.lane.id"], name=op.f("generation_lane_id_fk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("generation_pk")),
        sa.UniqueConstraint(
            "combination_id", "attempt", name=op.f("generation_combination_id_attempt_uq")
        ),
        sa.UniqueConstraint("idempotency_key", name=op.f("generation_idempotency_key_uq")),
        sa.UniqueConstraint(
            "lane_id", "provider_job_id", name=op.f("generation_lane_id_provider_job_id_uq")
        ),
        schema="spotloom",
    )
    op.create_index(
        "generation_admitted",
        "generation",
        ["lane_id", "admitted_at"],
        unique=False,
        schema="spotloom",
    )
    op.create_index(
        "generation_of_campaign",
        "generation",
        ["campaign_id", "status"],
        unique=False,
        schema="spotloom",
    )
    op.create_index(
        "generation_one_active_per_combination",
        "generation",
        ["combination_id"],
        unique=True,
        schema="spotloom",
        postgresql_where=sa.text(
            "status in ('queued','submitting','generating','finishing','unknown')"
        ),
    )
    op.create_index(
        "generation_queue",
        "generation",
        ["lane_id", "campaign_id", "priority", "position"],
        unique=False,
        schema="spotloom",
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("fps", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("codecs", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["spotloom.generation.id"],
            name=op.f("asset_generation_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("asset_pk")),
        sa.UniqueConstraint("generation_id", "kind", name=op.f("asset_generation_id_kind_uq")),
        schema="spotloom",
    )
    op.create_table(
        "lane_slot",
        sa.Column("lane_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "taken_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["spotloom.generation.id"],
            name=op.f("lane_slot_generation_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lane_id"], ["spotloom.lane.id"], name=op.f("lane_slot_lane_id_fk")
        ),
        sa.PrimaryKeyConstraint("lane_id", "number", name=op.f("lane_slot_pk")),
        sa.UniqueConstraint("generation_id", name=op.f("lane_slot_generation_id_uq")),
        schema="spotloom",
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('reserve','settle','release','unknown')", name=op.f("ledger_kind_ck")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ledger_amount_ck")),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["spotloom.generation.id"],
            name=op.f("ledger_generation_id_fk"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_pk")),
        schema="spotloom",
    )
    op.create_index(
        "ledger_of_campaign", "ledger", ["campaign_id"], unique=False, schema="spotloom"
    )
    op.create_index(
        "ledger_one_end",
        "ledger",
        ["generation_id"],
        unique=True,
        schema="spotloom",
        postgresql_where=sa.text("kind in ('settle','release')"),
    )
    op.create_index(
        "ledger_one_reserve",
        "ledger",
        ["generation_id"],
        unique=True,
        schema="spotloom",
        postgresql_where=sa.text("kind = 'reserve'"),
    )
    op.create_index(
        "ledger_one_unknown",
        "ledger",
        ["generation_id"],
        unique=True,
        schema="spotloom",
        postgresql_where=sa.text("kind = 'unknown'"),
    )

    op.execute(
        "CREATE FUNCTION spotloom.ledger_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP"
        " USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER ledger_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON spotloom.ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION spotloom.ledger_is_kept()"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION spotloom.ledger_is_kept CASCADE")
    op.drop_index(
        "ledger_one_unknown",
        table_name="ledger",
        schema="spotloom",
        postgresql_where=sa.text("kind = 'unknown'"),
    )
    op.drop_index(
        "ledger_one_reserve",
        table_name="ledger",
        schema="spotloom",
        postgresql_where=sa.text("kind = 'reserve'"),
    )
    op.drop_index(
        "ledger_one_end",
        table_name="ledger",
        schema="spotloom",
        postgresql_where=sa.text("kind in ('settle','release')"),
    )
    op.drop_index("ledger_of_campaign", table_name="ledger", schema="spotloom")
    op.drop_table("ledger", schema="spotloom")
    op.drop_table("lane_slot", schema="spotloom")
    op.drop_table("asset", schema="spotloom")
    op.drop_index(
        "generation_queue",
        table_name="generation",
        schema="spotloom",
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_index(
        "generation_one_active_per_combination",
        table_name="generation",
        schema="spotloom",
        postgresql_where=sa.text(
            "status in ('queued','submitting','generating','finishing','unknown')"
        ),
    )
    op.drop_index("generation_of_campaign", table_name="generation", schema="spotloom")
    op.drop_index("generation_admitted", table_name="generation", schema="spotloom")
    op.drop_table("generation", schema="spotloom")
    op.drop_table("combination", schema="spotloom")
    op.drop_table("campaign", schema="spotloom")
    op.drop_table("workspace", schema="spotloom")
    op.drop_table("webhook_event", schema="spotloom")
    op.drop_table("taken_over", schema="spotloom")
    op.drop_table("lane", schema="spotloom")
    op.execute(sa.schema.DropSequence(sa.Sequence("queue_turn", schema="spotloom")))
