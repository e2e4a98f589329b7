"""Fills every table with rows of a workspace, as the metadata describes them."""

import datetime as dt
import json
from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Column
from sqlalchemy import Table as Described

import spotloom.auth.tables  # noqa: F401 - its tables belong to the tables of the code
from spotloom.campaigns import ids
from spotloom.campaigns.tables import SCHEMA, Table

# A mirror last: while there is one, every other row that is written is noted for it.
TABLES = {
    table.name: table
    for table in sorted(Table.metadata.sorted_tables, key=lambda table: table.name == "mirror")
}
OWNED = {name for name, table in TABLES.items() if "workspace_id" in table.c}
# No workspace of their own: these are guarded by what they point at, or not the web's at all.
OTHERS = {
    "workspace",  # is one
    "lane_slot",  # belongs to its lane
    "person",  # is seen by the workspaces it is a member of
    "webhook_event",
    "taken_over",
    "sign_in",
    "attempt",
}
WORDS = {"role": "viewer", "kind": "reserve"}  # what the tables' checks allow

Row = dict[str, Any]
Rows = Mapping[str, Row]


def name_of(table: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table)


def new_row(table: Described, workspace_id: UUID, made: Rows) -> Row:
    """A fresh row of that workspace, pointing at the rows made so far."""
    row: Row = {}
    for column in table.columns:
        if column.name == "workspace_id" or (table.name, column.name) == ("workspace", "id"):
            row[column.name] = workspace_id
        elif column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            row[column.name] = made[target.table.name][target.name]
        elif not column.nullable and column.server_default is None:
            row[column.name] = _value(column)
    return row


def _value(column: Column[Any]) -> Any:
    kind = column.type.python_type
    values = {
        UUID: ids.new(),
        str: WORDS.get(column.name, f"{column.name} {ids.new()}"),
        int: 1,
        Decimal: Decimal(1),
        dt.datetime: dt.datetime.now(dt.UTC),
        object: json.dumps({}),
    }
    return values[kind]


def insert(connection: psycopg.Connection[Any], table: str, row: Row) -> None:
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        name_of(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join([sql.Placeholder()] * len(row)),
    )
    connection.execute(statement, list(row.values()))


def fill(
    connection: psycopg.Connection[Any],
    workspace_id: UUID,
    into: Container[str] = frozenset(TABLES),
) -> dict[str, Row]:
    """One row in every table, or each of these, of that workspace."""
    made: dict[str, Row] = {}
    for name, table in TABLES.items():
        if name not in into:
            continue
        made[name] = new_row(table, workspace_id, made)
        insert(connection, name, made[name])
    return made


def enter(connection: psycopg.Connection[Any], workspace_id: UUID | None) -> None:
    """What `tenancy.enter` does, on a plain connection."""
    if workspace_id is not None:
        connection.execute("SELECT set_config('spotloom.workspace', %s, true)", [str(workspace_id)])
