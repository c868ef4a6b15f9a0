"""The names of the database's roles, for whoever connects as one: nothing is imported here (see roles.py)."""

READER = "findata_reader"
LIVE_READER = "findata_live_reader"
WRITER = "findata_writer"

STATEMENT_SECONDS = 60  # what a reader's statement may take, unless it sets another limit
CONNECTIONS = 30  # of one role at once, on the whole server
