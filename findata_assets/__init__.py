"""The lineage: steps that read, fold and write, and the Dagster assets and checks around them."""
