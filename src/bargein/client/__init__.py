"""A client of bargein/1 without clock and I/O: it decides exactly as the browser's does."""
