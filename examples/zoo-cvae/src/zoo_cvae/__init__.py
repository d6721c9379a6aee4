"""The family conditional-vae: a VAE that is told what to draw."""
