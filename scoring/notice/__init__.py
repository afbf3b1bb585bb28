"""The monthly notice (通报) and its ranking on paper, made from a publication's files alone."""
