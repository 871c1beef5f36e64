"""Results for readers: tables, curves, image rows, one HTML page, the model card."""
