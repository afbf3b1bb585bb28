"""What holds for every test."""

from hypothesis import settings

# A loaded machine is no failure: no test has a time limit of its own.
settings.register_profile("hub", deadline=None)
settings.load_profile("hub")
