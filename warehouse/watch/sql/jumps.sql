-- A step faster than anything drives: above 220 km/h over more than 400 m. q is the last place before.
pow((x - q.x) * 111.32 * cos(radians(y)), 2) + pow((y - q.y) * 110.57, 2)
    > greatest(0.16, pow(220.0 / 3600 * greatest((at_us - q.at_us) / 1000000, 1), 2))
