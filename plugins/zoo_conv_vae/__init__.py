"""Convolutional variational autoencoders."""
