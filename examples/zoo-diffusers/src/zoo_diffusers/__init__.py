"""The autoencoders of diffusers as families of latent-zoo."""
