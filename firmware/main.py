"""Device entry: take the board, build the gateway, run it."""

from board import Board  # the board's folder is on the path

from gateway import app

app.run(Board())
