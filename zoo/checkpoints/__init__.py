"""A model at rest: reading a checkpoint strictly, and where checkpoints come from."""
