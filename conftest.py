"""What all tests have in common, those of the plugins too."""

import os
import signal

from hypothesis import HealthCheck, settings

# Two busy cores: how long an example takes to make or to run says nothing.
STEADY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

# `make test`: the same examples in every run, on every machine, whatever an earlier run left behind.
settings.register_profile("steady", derandomize=True, database=None, **STEADY)
# `make fuzz`: new examples in every run, and many; those that failed are kept in .hypothesis and tried again first.
settings.register_profile("fuzz", max_examples=1000, print_blob=True, **STEADY)
settings.load_profile(os.environ.get("ORQA_HYPOTHESIS", "steady"))

# A script that starts `make test` in the background has it ignore Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
