"""What all tests have in common, those of the plugins too."""

from hypothesis import settings

# Two busy cores: how long one example takes says nothing.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")
