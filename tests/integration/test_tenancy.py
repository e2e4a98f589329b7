"""Row level security alone keeps workspaces apart: no query here names a workspace."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import CheckViolation, InsufficientPrivilege, RestrictViolation
from psycopg.rows import dict_row
from sqlalchemy import text
from tests.integration import tenants
from tests.integration.tenants import OWNED, TABLES, Row, enter, fill, name_of, new_row

from spotloom.campaigns import audit, database, ids, tenancy
from spotloom.campaigns.database import Role

A, B = ids.new(), ids.new()
NOT_THE_WEBS = {"login_link", "webhook_event", "taken_over", "sign_in", "attempt"}
APPENDED = {"ledger", "audit"}
OF_THE_GATE = {
    *("workspace", "person", "member", "invitation", "session", "api_key", "login_link"),
    *("sign_in", "attempt", "audit", "webhook_event"),
}
NOT_OF_WORKERS = {"person", "session", "api_key", "login_link", "sign_in", "attempt"}

SOMEBODYS = OWNED | {"workspace", "person"}
PAID_FOR = {"campaign", "combination", "generation", "lane"}  # the ledger holds on to these
FREE = (OWNED | {"lane_slot"}) - NOT_THE_WEBS - APPENDED - PAID_FOR
# Columns of the web's tables that point at rows which belong to somebody.
POINTERS = {
    (table.name, column.name)
    for table in TABLES.values()
    if table.name in OWNED | {"lane_slot"} and table.name not in NOT_THE_WEBS
    for column in table.columns
    if column.name != "workspace_id"
    and any(key.column.table.name in SOMEBODYS for key in column.foreign_keys)
}

Connection = psycopg.Connection[Row]


@dataclass(frozen=True)
class Tenants:
    """A database in which two workspaces have a row in every table."""

    url: str
    of_a: dict[str, Row]
    of_b: dict[str, Row]

    @contextlib.contextmanager
    def as_role(self, role: Role | None, workspace_id: UUID | None = None) -> Iterator[Connection]:
        """A transaction in that role (None is the login's own), undone in the end."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            if role is not None:
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role.value)))
            enter(connection, workspace_id)
            yield connection
            connection.rollback()

    def count(self, table: str) -> int:
        with self.as_role(None) as connection:
            return len(_all(connection, table))


@pytest.fixture(scope="module")
def both(database_url: str) -> Iterator[Tenants]:
    name = f"test_tenants_{ids.new().hex}"
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    try:
        database.migrate(url)
        with psycopg.connect(url) as connection:
            made = Tenants(url, fill(connection, A), fill(connection, B))
        yield made
    finally:
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _all(connection: Connection, table: str) -> list[Row]:
    return connection.execute(sql.SQL("SELECT * FROM {}").format(name_of(table))).fetchall()


def _run(connection: Connection, statement: str, table: str, *values: Any) -> int:
    return connection.execute(sql.SQL(statement).format(name_of(table)), values).rowcount


def test_every_table_either_has_a_workspace_or_was_thought_about() -> None:
    assert set(TABLES) == OWNED | tenants.OTHERS


def test_row_security_is_forced_on_every_table_of_a_workspace(both: Tenants) -> None:
    with both.as_role(None) as connection:
        guarded = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'spotloom'::regnamespace"
            " AND relrowsecurity AND relforcerowsecurity"
        )
        assert {row["relname"] for row in guarded} == OWNED | {"workspace", "lane_slot", "person"}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_web_sees_the_workspace_it_entered_and_no_other(both: Tenants, table: str) -> None:
    with both.as_role(Role.WEB, A) as connection:
        if table in NOT_THE_WEBS:
            with pytest.raises(InsufficientPrivilege):
                _all(connection, table)
            return
        (row,) = _all(connection, table)
    known = both.of_a[table]
    # A number that the database gave is not known.
    key = [c.name for c in TABLES[table].primary_key if c.name in known] or list(known)
    assert [row[name] for name in key] == [known[name] for name in key]
    assert both.count(table) == 2  # the other one is there


@pytest.mark.parametrize("table", sorted(set(TABLES) - NOT_THE_WEBS))
@pytest.mark.parametrize("entered", [None, ids.new()])
def test_the_web_sees_nothing_outside_a_workspace(
    both: Tenants, table: str, entered: UUID | None
) -> None:
    with both.as_role(Role.WEB, entered) as connection:
        assert _all(connection, table) == []


@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_web_cannot_make_rows_of_another_workspace(both: Tenants, table: str) -> None:
    row = new_row(TABLES[table], ids.new() if table == "workspace" else B, both.of_b)
    if table == "lane_slot":
        row["number"] = 2
    with both.as_role(Role.WEB, A) as connection, pytest.raises(InsufficientPrivilege):
        tenants.insert(connection, table, row)


@pytest.mark.parametrize(("table", "column"), sorted(POINTERS))
def test_rows_of_the_web_do_not_point_into_another_workspace(
    both: Tenants, table: str, column: str
) -> None:
    row = new_row(TABLES[table], A, both.of_a)
    pointed = next(iter(TABLES[table].c[column].foreign_keys)).column
    row[column] = both.of_b[pointed.table.name][pointed.name]
    with both.as_role(Role.WEB, A) as connection, pytest.raises(InsufficientPrivilege):
        tenants.insert(connection, table, row)


@pytest.mark.parametrize("table", sorted(OWNED - NOT_THE_WEBS - APPENDED))
def test_the_web_cannot_move_or_touch_rows_of_another_workspace(both: Tenants, table: str) -> None:
    with both.as_role(Role.WEB, A) as connection:
        assert _run(connection, "UPDATE {} SET workspace_id = workspace_id", table) == 1
        assert _run(connection, "DELETE FROM {} WHERE workspace_id = %s", table, B) == 0
        with pytest.raises(InsufficientPrivilege):
            _run(connection, "UPDATE {} SET workspace_id = %s", table, B)


@pytest.mark.parametrize("table", sorted(FREE))
def test_the_web_deletes_its_own_rows_only(both: Tenants, table: str) -> None:
    with both.as_role(Role.WEB, A) as connection:
        assert _run(connection, "DELETE FROM {}", table) == 1


@pytest.mark.parametrize("table", sorted(APPENDED))
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_is_kept_can_only_be_appended(both: Tenants, table: str, statement: str) -> None:
    for role in (Role.WEB, Role.WORKER):
        with both.as_role(role, A) as connection, pytest.raises(InsufficientPrivilege):
            _run(connection, statement, table)
    with both.as_role(None) as connection, pytest.raises(RestrictViolation):
        _run(connection, statement, table)


def test_the_web_names_no_workspace_and_removes_none(both: Tenants) -> None:
    with both.as_role(Role.WEB, A) as connection:
        assert _run(connection, "UPDATE {} SET budget = 1", "workspace") == 1
        with pytest.raises(InsufficientPrivilege):
            _run(connection, "DELETE FROM {}", "workspace")


def test_the_web_reads_people_and_changes_none(both: Tenants) -> None:
    for statement in ("UPDATE {} SET name = 'x'", "DELETE FROM {}"):
        with both.as_role(Role.WEB, A) as connection, pytest.raises(InsufficientPrivilege):
            _run(connection, statement, "person")


@pytest.mark.parametrize("table", sorted(TABLES))
@pytest.mark.parametrize("role", [Role.GATE, Role.WORKER])
def test_the_other_roles_see_what_they_may(both: Tenants, role: Role, table: str) -> None:
    may = table in OF_THE_GATE if role is Role.GATE else table not in NOT_OF_WORKERS
    with both.as_role(role) as connection:
        if may:
            assert len(_all(connection, table)) == 2
        else:
            with pytest.raises(InsufficientPrivilege):
                _all(connection, table)


async def test_a_scope_ends_with_its_transaction(both: Tenants) -> None:
    # One connection, so that the same one comes back.
    engine, sessions = database.connect(both.url, pool=1, role=Role.WEB, ping=False)
    seen = text("SELECT id FROM spotloom.workspace")
    try:
        async with tenancy.Scope(sessions, A).begin() as session:
            await audit.record(session, A, actor="key:1", action="look", target="x", cost=1)
            assert (await session.scalars(seen)).all() == [A]
        async with tenancy.Scope(sessions, B).read() as session:
            assert (await session.scalars(seen)).all() == [B]
            await audit.record(session, B, actor="key:1", action="never", target="x")
        async with sessions() as session:
            assert (await session.scalars(seen)).all() == []
            assert await session.scalar(text("SELECT current_user")) == Role.WEB
    finally:
        await engine.dispose()
    with both.as_role(None) as connection:
        actions = connection.execute("SELECT action, detail FROM spotloom.audit ORDER BY id DESC")
        newest = actions.fetchone()
        assert newest == {"action": "look", "detail": {"cost": 1}}
        connection.execute("ALTER TABLE spotloom.audit DISABLE TRIGGER audit_is_kept")
        connection.execute("DELETE FROM spotloom.audit WHERE action = 'look'")
        connection.execute("ALTER TABLE spotloom.audit ENABLE TRIGGER audit_is_kept")
        connection.commit()


def test_a_review_is_one_of_three_words(both: Tenants) -> None:
    with both.as_role(Role.WEB, A) as connection, pytest.raises(CheckViolation):
        _run(connection, "UPDATE {} SET review = 'perhaps'", "combination")
