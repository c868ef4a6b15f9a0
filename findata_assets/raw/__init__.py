"""Assets of payloads as received: one per provider and dataset."""
