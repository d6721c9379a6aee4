"""The shortest PyTorch script that does what `zoo run colorize` does: python torch_colorize.py IN OUT"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from zoo_colorizer.lab import lab_to_rgb, lightness, rgb_to_lab
from zoo_colorizer_unet.config import ColorizerUNetConfig
from zoo_colorizer_unet.network import ColorizerUNet

folder = Path(find_spec("zoo_colorizer_unet").origin).parent / "checkpoints" / "photos"
config = json.loads((folder / "config.json").read_text())["config"]
network = ColorizerUNet(ColorizerUNetConfig(**config)).eval()
weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
for name in [name for name in weights if f"{name}.scale" in weights]:  # 8 bits, with a scale for each row
    weights[name] *= weights[f"{name}.scale"].view(-1, *(1 for _ in weights[name].shape[1:]))
network.load_state_dict(weights, strict=False)  # without the counters of batches
photo = Image.open(sys.argv[1]).convert("L")
full = torch.from_numpy(np.array(photo))[None, None] / 255
side = (config["size"],) * 2
small = torch.from_numpy(np.array(photo.resize(side, Image.Resampling.LANCZOS)))[None, None] / 255
with torch.inference_mode():
    ab = rgb_to_lab(network.translate(small))[:, 1:]
    ab = torch.nn.functional.interpolate(ab, size=full.shape[2:], mode="bilinear")
    rgb = lab_to_rgb(torch.cat([lightness(full), ab], dim=1))
Image.fromarray((rgb[0].permute(1, 2, 0) * 255).round().byte().numpy()).save(sys.argv[2], quality=95)
