"""Site gateway firmware: one package, data flows modbus -> rack -> protection -> outputs.

Importing any module of it does nothing; `app.build` is the one place that constructs.
"""

VERSION = "0.1.0"
