"""What the shop is measured against: the same work, as the libraries' documentation has it."""
