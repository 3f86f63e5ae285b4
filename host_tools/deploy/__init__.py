"""Brings the program and a site's configuration onto a board, over its cable."""
