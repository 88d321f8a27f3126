"""What a monitoring system is told: the exposition text, and an endpoint that serves it."""
