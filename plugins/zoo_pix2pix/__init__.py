"""pix2pix: a drawing in, a picture out."""
