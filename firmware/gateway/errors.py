"""The gateway's exceptions: few, each caught in one named place."""


class GatewayError(Exception):
    """Base of all of them; the text is one line for a person."""


class ConfigError(GatewayError):
    """The configuration cannot be accepted. Caught by `app.build`, which enters safe mode."""


class StorageError(GatewayError):
    """Flash does not hold what it should. Caught by the application, which assumes the worst."""
