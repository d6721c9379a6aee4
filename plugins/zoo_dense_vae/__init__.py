"""Dense variational autoencoders."""
