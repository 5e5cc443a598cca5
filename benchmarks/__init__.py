"""How fast the shop is, measured on a running shop."""
