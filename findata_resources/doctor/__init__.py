"""What findata doctor looks at, read-only: the machine, the database, the bucket."""
