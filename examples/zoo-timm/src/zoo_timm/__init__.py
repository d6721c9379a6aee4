"""timm's backbones as a family of latent-zoo."""
