"""Devices that push: HJ 212, JT/T 808, JT/T 809 and MQTT, with faults, at a rate.

`content` what devices measure · `faults` what goes wrong · `speech` what each protocol module offers · `hj212`,
`jt808`, `jt809`, `mqtt` the protocols · `link` one TCP connection that sends again until answered · `run` all of them.
Same seed, start and options: same bytes of every device, in the same order.
"""
