"""What Prometheus is told: metrics read from the books, never counted in the processes that do the work."""
