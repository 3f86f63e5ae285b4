"""The one exception that is shown to the person at the keyboard."""


class UserError(Exception):
    """Bad input or a missing thing: one line that says what, where and what to do.

    Raise it anywhere in `host_tools`; `host_tools.cli.main` alone catches it, prints the line
    on stderr and exits 2. Nothing else may turn it into text.
    """
