"""Looks at the racks of a bus from the laptop: who is there, what they say, frame by frame."""
