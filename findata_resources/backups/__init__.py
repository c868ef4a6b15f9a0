"""Backups on the outside: dumps by PostgreSQL's own programs, their objects on S3, the servers they come back to."""
