"""Files become raw batches, and the run pins which of them it sees."""
