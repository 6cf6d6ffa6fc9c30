"""What an LLM may propose, and who decides: declarations, schemas, policy; pure."""
