"""What there is to say about a timepoint, by facet, from the same situation and pixels that are drawn."""
