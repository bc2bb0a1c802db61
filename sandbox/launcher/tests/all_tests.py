"""Every suite of the launcher. Usage: all_tests.py LAUNCHER"""

import harness
from as_test import *
from broker_test import *
from enter_test import *
from filter_test import *
from network_test import *
from overlay_test import *
from supervisor_test import *
from unpack_test import *

if __name__ == "__main__":
    harness.run("__main__")
