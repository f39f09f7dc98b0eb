"""What ``make bench`` measures: speed against targets, and the composer's music against real music."""
