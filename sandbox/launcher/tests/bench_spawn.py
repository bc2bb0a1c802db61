"""How many processes a second the broker starts. Usage: bench_spawn.py LAUNCHER [COUNT [PROGRAM]]"""

import sys
import time

from broker_client import Broker

broker = Broker(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
program = sys.argv[3] if len(sys.argv) > 3 else "/bin/true"
begin = time.monotonic()
for _ in range(count):
    assert broker.run(program).code == 0
print("%.0f spawns/s to the last frame, one after the other" % (count / (time.monotonic() - begin)))
broker.close()
