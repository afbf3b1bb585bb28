"""`python -m sensors KIND` runs a gateway (mqtt, hj212, jt808, jt809); `python -m sensors health KIND` is the
container's health check. `mqtt-2`, `mqtt-3` … are further MQTT gateways of one installation.
"""

from __future__ import annotations

import sys

from cityhub.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, HubError
from cityhub.settings import load
from sensors import status
from sensors.run import KINDS, run


def main(arguments: list[str]) -> int:
    """The exit code: 0 fine, 1 unhealthy or stopped by an error, 2 usage or settings, 4 not authorised."""
    settings = load()
    kind, _, number = (arguments[-1] if arguments else "").partition("-")
    instance = int(number) if number.isdecimal() and int(number) > 1 else 1
    known = kind in KINDS and (not number or (kind == "mqtt" and number == str(instance)))
    if known and len(arguments) == 2 and arguments[0] == "health":
        return EXIT_OK if status.healthy(settings, arguments[1]) else EXIT_FINDINGS
    if not known or len(arguments) != 1:
        sys.stderr.write(f"usage: python -m sensors {'|'.join(KINDS)} | health {'|'.join(KINDS)}\n")
        return EXIT_USAGE
    from cityhub.spec.read import read_all

    try:
        run(settings, [spec for spec in read_all(settings.feeds).values() if spec.active], kind, instance=instance)
    except HubError as error:
        sys.stderr.write(error.text() + "\n")
        return error.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
