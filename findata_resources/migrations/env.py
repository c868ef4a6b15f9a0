"""Alembic's entry: runs the revisions on the connection that migrate.py hands over."""

from alembic import context

from findata_resources.migrations.migrate import comparison_options

context.configure(connection=context.config.attributes["connection"], **comparison_options())
with context.begin_transaction():
    context.run_migrations()
