"""The stores: TimescaleDB for rows, S3 for raw payloads and the lake."""
