"""The demo: a shop with something in it, and stories that are played against it."""
