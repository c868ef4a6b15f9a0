"""`python -m findata_cli` is `findata`."""

from findata_cli.main import app

app()
