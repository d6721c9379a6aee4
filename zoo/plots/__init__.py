"""Plots of latent spaces worth putting into a talk: arrays in, a matplotlib figure out. Needs `latent-zoo[plot]`."""
