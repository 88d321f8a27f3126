"""Where a replica keeps what it knows: SQLite, or memory."""
