"""One CLIP model in memory: load it, encode with it, choose what trains, save it."""
