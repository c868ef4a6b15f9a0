"""The database's schema: SQLAlchemy metadata derived from the contract, and Alembic's revisions of it."""
