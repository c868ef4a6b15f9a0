"""What each asset does, as plain functions of a Platform: no Dagster here, so that tests, rebuild and
verify run the very same steps."""
