"""What only a simulation has: controls over HTTP, faults on demand, accounting of calls."""
