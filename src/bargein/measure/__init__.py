"""What `bargein bench` measures: sounds that meet a talking bot, and the figures of many."""
