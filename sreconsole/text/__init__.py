"""Hostile text made harmless, and secrets taken out."""
