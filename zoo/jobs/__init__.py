"""What the user asked for: planned, run, and its operands."""
