"""The tests mirror the tree: unit, integration, contract, architecture, property, chaos, e2e, benchmark."""
