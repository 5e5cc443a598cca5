NAME = "process-manager"  # of the consumer, in the tables
