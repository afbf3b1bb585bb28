"""JT/T 808: positions of vehicle terminals, headers of 2011/2013 and 2019."""
