"""A scripted user, a room and a network around a client: free of clock and I/O."""
