"""The outside world: configuration, servers, stores and providers."""
