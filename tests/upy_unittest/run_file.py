# micropython run_file.py FOLDER MODULE: run one test file, exit 1 when it failed or held no test.

import sys

sys.path.insert(0, sys.argv[1])

import unittest  # noqa: E402 - only now could a helper beside the test be found

sys.exit(0 if unittest.run_module(__import__(sys.argv[2])).succeeded() else 1)
