"""The picture world: pictures with exact knowledge of what is there and what is not."""
