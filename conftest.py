"""What all tests have in common, those of the plugins too."""

from hypothesis import HealthCheck, settings

# Two busy cores: how long an example takes to make or to run says nothing.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
