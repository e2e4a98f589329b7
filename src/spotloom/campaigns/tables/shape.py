"""The shape that every table shares: the schema, the names, and how Python's types are stored."""

import datetime as dt
import json
from collections.abc import Sequence as Rows
from decimal import Decimal
from typing import Any

from sqlalchemy import MetaData, Numeric, Sequence, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import UserDefinedType

SCHEMA = "spotloom"


class Transaction(UserDefinedType[str]):
    """The number of a transaction (PostgreSQL's xid8), as text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in DDL."""
        return "xid8"


ischema_names["xid8"] = Transaction  # or Alembic could not read the column back


class Table(DeclarativeBase):
    """What every table shares: the schema, and how Python's types are stored."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_ix",
            "uq": "%(table_name)s_%(column_0_N_name)s_uq",
            "ck": "%(table_name)s_%(constraint_name)s_ck",
            "fk": "%(table_name)s_%(column_0_N_name)s_fk",
            "pk": "%(table_name)s_pk",
        },
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        dt.datetime: TIMESTAMP(timezone=True),
        Decimal: Numeric(14, 4),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


Row = dict[str, Any]


async def insert_all(session: AsyncSession, table: type[Table], rows: Rows[Row]) -> None:
    """Insert the rows, all with the same columns, in one statement.

    660 rows one by one, or as one long VALUES, take twice the time.
    """
    names = ", ".join(f'"{name}"' for name in rows[0])
    name = f"{SCHEMA}.{table.__tablename__}"
    statement = (
        f"INSERT INTO {name} ({names}) SELECT {names} "  # noqa: S608 - our own names
        f"FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
    )
    await session.execute(text(statement), {"rows": json.dumps(rows, default=str)})


# Where in the queue a campaign, or a retried generation, stands: first come, first served.
queue_turn = Sequence("queue_turn", schema=SCHEMA, metadata=Table.metadata)
