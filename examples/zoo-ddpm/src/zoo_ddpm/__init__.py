"""The family ddpm: new pictures by diffusion, in as many steps as one likes."""
