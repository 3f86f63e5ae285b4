"""The sample configuration with something changed, and what a configuration is refused with."""

import json

from sample_site import tree

from gateway import config
from gateway.errors import ConfigError


def refusal(entries):
    """The text a configuration is refused with; fails when it is accepted."""
    try:
        config.load(json.dumps(entries))
    except ConfigError as error:
        return str(error)
    raise AssertionError("accepted")


def changed(path, value):
    """The sample with one entry replaced; the path is dotted, numbers index lists."""
    entries = tree()
    node = entries
    parts = path.split(".")
    for part in parts[:-1]:
        if isinstance(node, list):
            node = node[int(part)]
        else:
            if part not in node:
                node[part] = {}
            node = node[part]
    node[parts[-1]] = value
    return entries
