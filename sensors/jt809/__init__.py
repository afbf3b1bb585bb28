"""JT/T 809: vehicle platforms of vendors (inferior, 下级平台) report to us (superior, 上级平台).

`frame` flags, escapes, header, checksum · `split` frames out of a stream · `cipher` · `messages` login and vehicle
block · `position` the three layouts · `encode` for tests and the sandbox · `decode` one frame as JSON · `session`
one link · `landing` records for the load.
"""
