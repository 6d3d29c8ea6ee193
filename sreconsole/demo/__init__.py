"""A night on call, played through the real gate in a throw-away home."""
