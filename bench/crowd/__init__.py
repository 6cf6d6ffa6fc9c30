"""Many bots in one process, many callers in another: what `bench/load.py` measures with."""
