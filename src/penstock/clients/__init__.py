"""Complete API clients, built on Penstock's public names alone."""
