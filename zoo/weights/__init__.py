"""Weights of other programs: read safely, renamed, and put into networks."""
