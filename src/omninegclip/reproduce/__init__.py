"""The paper on real CLIPs: what it costs, the data, the training, the benchmarks, one report."""
