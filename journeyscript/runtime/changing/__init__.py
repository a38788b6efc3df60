"""What a change of the journeys does to those inside: planned, foreseen, and carried out as it was planned."""
