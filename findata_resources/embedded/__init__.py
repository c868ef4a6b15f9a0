"""A real TimescaleDB and a real S3 server on this machine, without Docker and without root."""
