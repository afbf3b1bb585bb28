"""The evidence of one score: everything that it was made from in one archive, and the check of such an archive."""
