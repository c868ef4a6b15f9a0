"""Pure domain code: no input or output, no clock, no environment, no Dagster."""
