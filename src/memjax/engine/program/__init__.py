"""What one compiled program is: its static structure, its data in tiles, its step and loop, and its results."""
