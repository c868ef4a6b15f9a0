-- Runs once, when the server is made: Dagster keeps its runs and events in a database of its own.
CREATE DATABASE findata_dagster OWNER findata;
