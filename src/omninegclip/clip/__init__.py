"""One CLIP model in memory: what of it trains, what it embeds, and where it is kept."""
