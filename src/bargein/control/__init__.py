"""Who may join which room, and what of a session outlives a connection; pure."""
