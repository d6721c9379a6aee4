"""The shortest PyTorch script that does what `zoo run colorize` does: python torch_colorize.py IN OUT"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from zoo_colorizer.network import Colorizer, lab_to_rgb, lightness, rgb_to_lab

folder = Path(find_spec("zoo_colorizer").origin).parent / "checkpoints" / "photos"
config = json.loads((folder / "config.json").read_text())["config"]
network = Colorizer(SimpleNamespace(**config)).eval()
network.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()})
photo = Image.open(sys.argv[1]).convert("L")
full = torch.from_numpy(np.array(photo))[None, None] / 255
small = torch.from_numpy(np.array(photo.resize((256, 256), Image.Resampling.LANCZOS)))[None, None] / 255
with torch.inference_mode():
    ab = rgb_to_lab(network.translate(small))[:, 1:]
    ab = torch.nn.functional.interpolate(ab, size=full.shape[2:], mode="bilinear")
    rgb = lab_to_rgb(torch.cat([lightness(full), ab], dim=1))
Image.fromarray((rgb[0].permute(1, 2, 0) * 255).round().byte().numpy()).save(sys.argv[2], quality=95)
