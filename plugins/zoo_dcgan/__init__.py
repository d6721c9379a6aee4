"""Deep convolutional generative adversarial networks."""
