"""The three roles in which our connections work, and what each is allowed.

The login role owns the tables and migrates them; a pooled connection then works as one of these,
held by row level security. Roles belong to the whole server, not to one database, so that several
databases may be making them at this moment.
"""

from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from spotloom.errors import SetupError

SET_OPTION_SINCE = 160_000  # from PostgreSQL 16 on, a member need not be allowed to SET ROLE
# Another database's migration, at the same moment, has done the same.
_DONE_ALREADY = {"42710", "23505"}  # duplicate_object, unique_violation
_NOT_ALLOWED = "42501"  # insufficient_privilege


class Role(StrEnum):
    """As what a connection works."""

    WEB = "spotloom_web"  # one workspace, which each transaction enters
    GATE = "spotloom_gate"  # who is asking, before a workspace is known
    WORKER = "spotloom_worker"  # the campaigns of every workspace; nothing of who signs in


def ensure(connection: Connection) -> None:
    """Make the roles, and let this login work in them; commits.

    SetupError, with what an administrator must run, where this login may not.
    """
    for statement in _needed(connection):
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(statement)
        except DBAPIError as error:
            code = getattr(error.orig, "sqlstate", None)
            if code == _NOT_ALLOWED:
                connection.rollback()
                raise SetupError(
                    "The database's login may not make, or not use, the roles that keep workspaces "
                    "apart. Let an administrator of the server run:\n"
                    + "\n".join(_needed(connection))
                ) from error
            if code not in _DONE_ALREADY:
                raise
    connection.commit()


def grant_engine(connection: Connection) -> None:
    """Let workers see what the engine carries; once, after the engine has made its tables."""
    allowed = connection.scalar(
        text(
            "SELECT has_schema_privilege(:role, 'dbos', 'USAGE')"
            " AND has_table_privilege(:role, 'dbos.workflow_status', 'SELECT')"
        ),
        {"role": Role.WORKER.value},
    )
    if not allowed:
        connection.execute(text(f"GRANT USAGE ON SCHEMA dbos TO {Role.WORKER}"))
        connection.execute(text(f"GRANT SELECT ON dbos.workflow_status TO {Role.WORKER}"))


def _needed(connection: Connection) -> list[str]:
    """The statements that are still to be run."""
    version = connection.scalar(text("SELECT current_setting('server_version_num')::int")) or 0
    member = "SET" if version >= SET_OPTION_SINCE else "MEMBER"
    rows = connection.execute(
        text(
            "SELECT rolname, pg_has_role(current_user, oid, :member) AS ours"
            " FROM pg_roles WHERE rolname = ANY(:names)"
        ),
        {"member": member, "names": [role.value for role in Role]},
    )
    ours = {row.rolname: row.ours for row in rows}
    login = connection.scalar(text("SELECT quote_ident(current_user)"))
    makes = [f"CREATE ROLE {role} NOLOGIN;" for role in Role if role.value not in ours]
    missing = [role for role in Role if not ours.get(role.value)]
    return makes + [f"GRANT {role} TO {login};" for role in missing]
