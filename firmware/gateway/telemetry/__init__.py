"""Records, their sampling and the journal on flash."""
