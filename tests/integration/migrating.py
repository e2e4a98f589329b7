"""Brings a database to any revision of our tables."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from spotloom.campaigns import database
from spotloom.campaigns.database import roles
from spotloom.campaigns.tables import SCHEMA


def bring_to(url: str, revision: str) -> None:
    """As that release would, in an empty database, or as a step back."""
    config = Config()
    config.set_main_option("script_location", "spotloom.campaigns:migrations")
    engine = create_engine(database.driver_url(url))
    with engine.connect() as connection:
        roles.ensure(connection)
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        config.attributes["connection"] = connection
        current = MigrationContext.configure(
            connection, opts={"version_table_schema": SCHEMA}
        ).get_current_revision()
        move = command.upgrade if current is None else command.downgrade
        move(config, revision)
        connection.commit()
    engine.dispose()
