"""The family upscaler: pictures of any size, twice as high and wide."""
