"""Who may join which room, where a session runs, and what becomes of it; pure."""
