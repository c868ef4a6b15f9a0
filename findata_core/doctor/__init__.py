"""What findata doctor thinks of what it has seen: rules over plain facts, each with what to do next."""
