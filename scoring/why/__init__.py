"""Why a number is not what it was: two states of a month compared, from the score down to the rows that changed."""
