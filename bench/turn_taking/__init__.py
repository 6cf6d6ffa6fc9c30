"""How long after the end of the user's speech a bot answers, and how often it cuts in."""
