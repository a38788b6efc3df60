"""What `journeyscript run` does: the loop on the clock, a recording replayed, a run that waits for another to end."""
