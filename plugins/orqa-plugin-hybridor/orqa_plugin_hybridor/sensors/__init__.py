"""What other sensors than cameras that hang still give: sound, points, tracker, robot log, a camera on a head."""
