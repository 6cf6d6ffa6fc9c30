"""The rehearsal room: a scripted user and a simulated network in place of a browser."""
