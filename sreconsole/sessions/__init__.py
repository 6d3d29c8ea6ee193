"""Live sessions: readers of the clients' logs, tokens and cost, state, facts, detectors, indicators."""
