"""Plays an agent's client: runs one hook as a child, so that the hook has a client of its own in its ancestry.

python3 -I -S client.py COMMAND …      standard input, output and exit code are the hook's
"""

import os
import sys

pid = os.posix_spawn(sys.argv[1], sys.argv[1:], dict(os.environ))
_, status = os.waitpid(pid, 0)
os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
