"""Making checkpoints: recipes, data, the loop and the export. PyTorch is needed from here on."""
