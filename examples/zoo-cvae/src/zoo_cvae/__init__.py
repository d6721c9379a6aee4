"""The family conditional-vae: a VAE whose decoder is told what to draw."""
