-- Numbers without their traces: `cityhub evidence` packs those for whoever asks.
SELECT period, scheme, unit_code AS unit, component, weight, value, points, state, source FROM score
