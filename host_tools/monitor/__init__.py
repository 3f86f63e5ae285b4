"""The live table of a gateway, from what its console answers."""
