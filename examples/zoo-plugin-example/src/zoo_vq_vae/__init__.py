"""The family vq-vae for latent-zoo: a vector-quantised VAE."""
