"""How well an image fits a sentence of two halves: calibrated scores, for any CLIP."""
