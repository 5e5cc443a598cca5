"""What a log must be: events answer commands, processes go on, and the sums come out even."""
