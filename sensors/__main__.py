"""`python -m sensors mqtt` runs the gateway; `python -m sensors health mqtt` is the container's health
check.
"""

from __future__ import annotations

import sys

from cityhub.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE, HubError
from cityhub.settings import load
from sensors import status


def main(arguments: list[str]) -> int:
    """The exit code: 0 fine, 1 unhealthy or stopped by an error, 2 usage or settings, 4 not authorised."""
    settings = load()
    if arguments == ["health", "mqtt"]:
        return EXIT_OK if status.healthy(settings, "mqtt") else EXIT_FINDINGS
    if arguments != ["mqtt"]:
        sys.stderr.write("usage: python -m sensors mqtt | health mqtt\n")
        return EXIT_USAGE
    from cityhub.spec.read import read_all
    from sensors.gateway import run_mqtt

    try:
        run_mqtt(settings, [spec for spec in read_all(settings.feeds).values() if spec.active])
    except HubError as error:
        sys.stderr.write(error.text() + "\n")
        return error.exit_code
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
