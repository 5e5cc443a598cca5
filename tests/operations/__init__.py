"""What operators do: migrations and the like."""
