"""What only a simulation has: control endpoints, faults on demand, and a record of all calls."""
