"""Figures of merit, their protocols and baselines. PyTorch is needed."""
