"""Tells Alembic which connection and tables to use; the program always brings its own."""

from alembic import context

from spotloom.campaigns.tables import SCHEMA, Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
