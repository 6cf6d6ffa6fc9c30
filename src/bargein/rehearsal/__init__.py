"""A client of bargein/1 and a network, both simulated: free of clock and I/O."""
