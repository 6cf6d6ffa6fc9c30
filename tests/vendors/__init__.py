"""Servers on this machine that speak the vendors' protocols, with latencies as one likes."""
