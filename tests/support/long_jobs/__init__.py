"""Job types that run long enough to be looked at."""
