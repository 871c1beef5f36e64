"""The picture world: images with exact knowledge of what is there and what is not."""
