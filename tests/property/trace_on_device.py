# Played by MicroPython: argument = file of commands; every line of each trace to standard output.
import sys

from trace_player import play

with open(sys.argv[1]) as file:
    for part in file.read().split("---\n"):
        for line in play([each for each in part.split("\n") if each]):
            print(line)
