"""What a YAML file says, and what is wrong with it: purely from text and variables."""
