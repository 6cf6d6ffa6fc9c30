"""`bargein bench`: the figures of one configuration on one machine, and of peers beside it."""
