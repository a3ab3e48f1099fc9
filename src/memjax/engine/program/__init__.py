"""What one compiled program is: its static half, its data as tiles, its step and loop, and what it leaves."""
