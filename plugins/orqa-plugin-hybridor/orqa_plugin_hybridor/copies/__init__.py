"""Small copies of other datasets: their sensors, their words, what is irregular about them."""
