"""`bargein serve`: an API for rooms, tokens and sessions, and the workers that run the bots."""
