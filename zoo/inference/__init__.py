"""A model at work: numpy in, numpy out."""
