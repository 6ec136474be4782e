"""TensorZero's HTTP gateway out of its Python package, which PyPI has; the stand-alone program it has not.

usage: start_tensorzero.py CONFIG    prints its address and serves until it is told to end
"""

import signal
import sys

from tensorzero.tensorzero import _start_http_gateway

signal.signal(signal.SIGTERM, signal.SIG_DFL)
gateway = _start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
print("listening on", gateway.base_url, flush=True)
while True:
    signal.pause()
