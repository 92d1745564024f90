"""Records of datasets: timepoints, takes, labels and what they are called."""
