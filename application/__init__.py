"""What the shop does with its domain: where commands go, and the place-order saga. Pure."""
