"""The command line `cityhub`: thin words over the steps; progress on a terminal, plain lines otherwise."""
