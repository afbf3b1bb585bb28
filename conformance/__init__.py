"""The conformance suite: what every feed has to keep, tried offline in a throw-away hub from its recorded sample.

`run(settings, spec)` gives one result a case. A feed needs no line of code for it: its source is played from its spec.
"""
