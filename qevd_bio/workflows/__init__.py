"""Several stages in one go."""
