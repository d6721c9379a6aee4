"""The family `colorizer-unet`: a U-Net over a pretrained encoder that tells which colours are likely where."""
