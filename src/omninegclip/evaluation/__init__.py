"""How well a model understands negation: metrics, protocols, benchmarks and the suite that runs them."""
