"""Decides from rack data alone which racks may stay closed and at what current."""
