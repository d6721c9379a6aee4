"""The family `colorizer-ae`: colour for gray photos."""
