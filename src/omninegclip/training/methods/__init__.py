"""One file per method: how its batches are made, which loss, which settings."""
