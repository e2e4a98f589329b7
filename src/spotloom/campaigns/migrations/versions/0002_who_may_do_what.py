"""Who may do what: sign-in, roles, row level security, reviews, and what others are told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AUTH_OF_A_WORKSPACE = ("member", "invitation", "session", "api_key", "login_link")
WORK = ("campaign", "combination", "generation", "lane", "asset", "idempotency", "hook", "delivery")
KEPT = ("ledger", "audit")  # appended, never changed
ALL = "SELECT, INSERT, UPDATE, DELETE"
GRANTS = {
    "spotloom_web": {
        ALL: (*WORK, "lane_slot", "member", "invitation", "session", "api_key"),
        "SELECT, INSERT, UPDATE": ("workspace",),
        "SELECT, INSERT": KEPT,
        "SELECT": ("person", "alembic_version"),
    },
    "spotloom_gate": {
        ALL: (*AUTH_OF_A_WORKSPACE, "person", "sign_in", "attempt", "webhook_event"),
        "SELECT, INSERT, UPDATE": ("workspace",),
        "SELECT, INSERT": ("audit",),
        "SELECT": ("alembic_version",),
    },
    "spotloom_worker": {
        ALL: (
            *WORK,
            *("lane_slot", "workspace", "webhook_event", "taken_over", "member", "invitation"),
        ),
        "SELECT, INSERT": KEPT,
        "SELECT": ("alembic_version",),
    },
}
# Empty again after the transaction that set it, so that '' is as good as nothing.
NOW = "nullif(current_setting('spotloom.workspace', true), '')::uuid"
ENTERED = f"(SELECT {NOW})"  # looked up once a query, not once a row
# Which rows the web may see. The tables that these look into are held by their own policies.
WEB = {
    **dict.fromkeys((*WORK, *KEPT, *AUTH_OF_A_WORKSPACE), f"workspace_id = {ENTERED}"),
    # The policy of person looks into this one, so to read it takes no query of its own.
    "member": f"workspace_id = {NOW}",
    "workspace": f"id = {ENTERED}",
    "lane_slot": "EXISTS (SELECT FROM spotloom.lane WHERE lane.id = lane_id)",
    "person": "EXISTS (SELECT FROM spotloom.member WHERE member.person_id = person.id)",
}
# And what its rows may point at: a foreign key alone would take any workspace's row.
POINTS_AT = {
    "combination": ("campaign",),
    "generation": ("campaign", "combination", "lane"),
    "asset": ("generation",),
    "ledger": ("generation",),
    "lane_slot": ("generation",),
    "delivery": ("hook",),
    "member": ("person",),
    "session": ("person",),
    "login_link": ("person",),
}


class _Transaction(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("attempt_pk")),
        schema="spotloom",
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("person_pk")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("person_issuer_subject_uq")),
        schema="spotloom",
    )
    op.create_index("person_by_email", "person", ["email"], unique=False, schema="spotloom")
    op.create_table(
        "sign_in",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("sign_in_pk")),
        schema="spotloom",
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column(
            "scopes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("seen_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("role in ('viewer','editor','admin')", name=op.f("api_key_role_ck")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("api_key_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_key_pk")),
        sa.UniqueConstraint("token_hash", name=op.f("api_key_token_hash_uq")),
        schema="spotloom",
    )
    op.create_index(
        "api_key_of_workspace", "api_key", ["workspace_id", "id"], unique=False, schema="spotloom"
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column(
            "at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["spotloom.workspace.id"], name=op.f("audit_workspace_id_fk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pk")),
        schema="spotloom",
    )
    op.create_index(
        "audit_of_workspace", "audit", ["workspace_id", "id"], unique=False, schema="spotloom"
    )
    op.create_table(
        "hook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("events", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("hook_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("hook_pk")),
        schema="spotloom",
    )
    op.create_index(
        "hook_of_workspace", "hook", ["workspace_id", "id"], unique=False, schema="spotloom"
    )
    op.create_table(
        "idempotency",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column(
            "body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("idempotency_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "key", name=op.f("idempotency_pk")),
        schema="spotloom",
    )
    op.create_index(
        "idempotency_by_age", "idempotency", ["created_at"], unique=False, schema="spotloom"
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("invited_by", sa.String(), nullable=True),
        sa.CheckConstraint("role in ('viewer','editor','admin')", name=op.f("invitation_role_ck")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("invitation_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("invitation_pk")),
        sa.UniqueConstraint("token_hash", name=op.f("invitation_token_hash_uq")),
        schema="spotloom",
    )
    op.create_index(
        "invitation_of_workspace",
        "invitation",
        ["workspace_id", "id"],
        unique=False,
        schema="spotloom",
    )
    op.create_table(
        "login_link",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["spotloom.person.id"],
            name=op.f("login_link_person_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("login_link_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("login_link_pk")),
        schema="spotloom",
    )
    op.create_index(
        "login_link_of_person",
        "login_link",
        ["workspace_id", "person_id"],
        unique=False,
        schema="spotloom",
    )
    op.create_table(
        "member",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("role in ('viewer','editor','admin')", name=op.f("member_role_ck")),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["spotloom.person.id"],
            name=op.f("member_person_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("member_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "person_id", name=op.f("member_pk")),
        schema="spotloom",
    )
    op.create_index("member_by_person", "member", ["person_id"], unique=False, schema="spotloom")
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "rotated_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("label", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["spotloom.person.id"],
            name=op.f("session_person_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("session_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("session_pk")),
        sa.UniqueConstraint("token_hash", name=op.f("session_token_hash_uq")),
        schema="spotloom",
    )
    op.create_index(
        "session_by_external_id", "session", ["external_id"], unique=False, schema="spotloom"
    )
    op.create_index(
        "session_by_previous_hash", "session", ["previous_hash"], unique=False, schema="spotloom"
    )
    op.create_index(
        "session_of_person",
        "session",
        ["workspace_id", "person_id"],
        unique=False,
        schema="spotloom",
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("delivered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('pending','delivered','failed')", name=op.f("delivery_state_ck")
        ),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["spotloom.hook.id"], name=op.f("delivery_hook_id_fk"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["spotloom.workspace.id"],
            name=op.f("delivery_workspace_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("delivery_pk")),
        schema="spotloom",
    )
    op.create_index(
        "delivery_due",
        "delivery",
        ["next_at"],
        unique=False,
        schema="spotloom",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "delivery_of_hook", "delivery", ["hook_id", "id"], unique=False, schema="spotloom"
    )
    op.add_column(
        "campaign", sa.Column("created_by", sa.String(), nullable=True), schema="spotloom"
    )
    op.add_column(
        "campaign",
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        schema="spotloom",
    )
    op.add_column(
        "campaign",
        sa.Column(
            "changed",
            _Transaction(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        schema="spotloom",
    )
    op.add_column(
        "campaign",
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        schema="spotloom",
    )
    op.create_index(
        "campaign_of_workspace", "campaign", ["workspace_id", "id"], unique=False, schema="spotloom"
    )
    op.add_column(
        "combination",
        sa.Column("review", sa.String(), server_default="none", nullable=False),
        schema="spotloom",
    )
    op.add_column(
        "combination", sa.Column("reject_reason", sa.String(), nullable=True), schema="spotloom"
    )
    op.add_column(
        "combination",
        sa.Column("winner", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="spotloom",
    )
    op.add_column("combination", sa.Column("notes", sa.String(), nullable=True), schema="spotloom")
    op.add_column(
        "combination", sa.Column("video_url", sa.String(), nullable=True), schema="spotloom"
    )
    op.add_column(
        "combination",
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        schema="spotloom",
    )
    op.add_column(
        "combination", sa.Column("notion_page_id", sa.String(), nullable=True), schema="spotloom"
    )
    op.add_column(
        "combination", sa.Column("reviewed_by", sa.String(), nullable=True), schema="spotloom"
    )
    op.add_column(
        "combination",
        sa.Column("reviewed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        schema="spotloom",
    )
    op.add_column(
        "combination",
        sa.Column(
            "changed",
            _Transaction(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        schema="spotloom",
    )
    op.create_index(
        "combination_changes",
        "combination",
        ["campaign_id", "changed"],
        unique=False,
        schema="spotloom",
    )
    op.add_column(
        "generation",
        sa.Column(
            "changed",
            _Transaction(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        schema="spotloom",
    )
    op.create_index(
        "generation_changes",
        "generation",
        ["campaign_id", "changed"],
        unique=False,
        schema="spotloom",
    )
    op.create_index(
        "ledger_of_workspace", "ledger", ["workspace_id"], unique=False, schema="spotloom"
    )
    op.add_column(
        "workspace", sa.Column("external_id", sa.String(), nullable=True), schema="spotloom"
    )
    op.add_column(
        "workspace",
        sa.Column(
            "created_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        schema="spotloom",
    )
    op.drop_constraint(op.f("workspace_name_uq"), "workspace", schema="spotloom", type_="unique")
    op.create_unique_constraint(
        op.f("workspace_external_id_uq"), "workspace", ["external_id"], schema="spotloom"
    )
    op.create_check_constraint(
        op.f("combination_review_ck"),
        "combination",
        "review in ('none','approved','rejected')",
        schema="spotloom",
    )
    _note_changes()
    _keep_the_audit()
    _guard_rows()


def _note_changes() -> None:
    op.execute(
        "CREATE FUNCTION spotloom.note_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN NEW.changed := pg_current_xact_id(); RETURN NEW; END $$"
    )
    for table in ("campaign", "combination", "generation"):
        op.execute(
            f"CREATE TRIGGER note_change BEFORE UPDATE ON spotloom.{table}"
            " FOR EACH ROW EXECUTE FUNCTION spotloom.note_change()"
        )


def _keep_the_audit() -> None:
    op.execute(
        "CREATE FUNCTION spotloom.audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP"
        " USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON spotloom.audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION spotloom.audit_is_kept()"
    )


def _guard_rows() -> None:
    op.execute(f"GRANT USAGE ON SCHEMA spotloom TO {', '.join(GRANTS)}")
    op.execute("GRANT USAGE ON SEQUENCE spotloom.queue_turn TO spotloom_web, spotloom_worker")
    for role, grants in GRANTS.items():
        for rights, tables in grants.items():
            names = ", ".join(f"spotloom.{table}" for table in tables)
            op.execute(f"GRANT {rights} ON {names} TO {role}")
    for table, seen in WEB.items():
        op.execute(f"ALTER TABLE spotloom.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE spotloom.{table} FORCE ROW LEVEL SECURITY")
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
        # What a role was not granted, these do not open.
        for role in ("spotloom_gate", "spotloom_worker"):
            op.execute(
                f"CREATE POLICY {role} ON spotloom.{table} TO {role} USING (true) WITH CHECK (true)"
            )


def downgrade() -> None:
    for table in WEB:
        for policy in (
            *GRANTS,
            *(f"spotloom_web_{deed}" for deed in ("insert", "update", "delete")),
        ):
            op.execute(f"DROP POLICY {policy} ON spotloom.{table}")
        op.execute(f"ALTER TABLE spotloom.{table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE spotloom.{table} DISABLE ROW LEVEL SECURITY")
    for role in GRANTS:
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA spotloom FROM {role}")
        op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA spotloom FROM {role}")
        op.execute(f"REVOKE ALL ON SCHEMA spotloom FROM {role}")
    op.execute("DROP FUNCTION spotloom.note_change CASCADE")
    op.execute("DROP FUNCTION spotloom.audit_is_kept CASCADE")
    op.drop_constraint(op.f("combination_review_ck"), "combination", schema="spotloom")
    op.drop_constraint(
        op.f("workspace_external_id_uq"), "workspace", schema="spotloom", type_="unique"
    )
    op.create_unique_constraint(
        op.f("workspace_name_uq"),
        "workspace",
        ["name"],
        schema="spotloom",
        postgresql_nulls_not_distinct=False,
    )
    op.drop_column("workspace", "created_at", schema="spotloom")
    op.drop_column("workspace", "external_id", schema="spotloom")
    op.drop_index("ledger_of_workspace", table_name="ledger", schema="spotloom")
    op.drop_index("generation_changes", table_name="generation", schema="spotloom")
    op.drop_column("generation", "changed", schema="spotloom")
    op.drop_index("combination_changes", table_name="combination", schema="spotloom")
    op.drop_column("combination", "changed", schema="spotloom")
    op.drop_column("combination", "reviewed_at", schema="spotloom")
    op.drop_column("combination", "reviewed_by", schema="spotloom")
    op.drop_column("combination", "notion_page_id", schema="spotloom")
    op.drop_column("combination", "version", schema="spotloom")
    op.drop_column("combination", "video_url", schema="spotloom")
    op.drop_column("combination", "notes", schema="spotloom")
    op.drop_column("combination", "winner", schema="spotloom")
    op.drop_column("combination", "reject_reason", schema="spotloom")
    op.drop_column("combination", "review", schema="spotloom")
    op.drop_index("campaign_of_workspace", table_name="campaign", schema="spotloom")
    op.drop_column("campaign", "deleted_at", schema="spotloom")
    op.drop_column("campaign", "changed", schema="spotloom")
    op.drop_column("campaign", "version", schema="spotloom")
    op.drop_column("campaign", "created_by", schema="spotloom")
    op.drop_index("delivery_of_hook", table_name="delivery", schema="spotloom")
    op.drop_index(
        "delivery_due",
        table_name="delivery",
        schema="spotloom",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("delivery", schema="spotloom")
    op.drop_index("session_of_person", table_name="session", schema="spotloom")
    op.drop_index("session_by_previous_hash", table_name="session", schema="spotloom")
    op.drop_index("session_by_external_id", table_name="session", schema="spotloom")
    op.drop_table("session", schema="spotloom")
    op.drop_index("member_by_person", table_name="member", schema="spotloom")
    op.drop_table("member", schema="spotloom")
    op.drop_index("login_link_of_person", table_name="login_link", schema="spotloom")
    op.drop_table("login_link", schema="spotloom")
    op.drop_index("invitation_of_workspace", table_name="invitation", schema="spotloom")
    op.drop_table("invitation", schema="spotloom")
    op.drop_index("idempotency_by_age", table_name="idempotency", schema="spotloom")
    op.drop_table("idempotency", schema="spotloom")
    op.drop_index("hook_of_workspace", table_name="hook", schema="spotloom")
    op.drop_table("hook", schema="spotloom")
    op.drop_index("audit_of_workspace", table_name="audit", schema="spotloom")
    op.drop_table("audit", schema="spotloom")
    op.drop_index("api_key_of_workspace", table_name="api_key", schema="spotloom")
    op.drop_table("api_key", schema="spotloom")
    op.drop_table("sign_in", schema="spotloom")
    op.drop_index("person_by_email", table_name="person", schema="spotloom")
    op.drop_table("person", schema="spotloom")
    op.drop_table("attempt", schema="spotloom")
