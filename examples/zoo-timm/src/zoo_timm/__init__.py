"""timm's backbones as families of latent-zoo."""
