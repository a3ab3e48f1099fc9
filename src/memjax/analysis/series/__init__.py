"""What one recorded series shows: single numbers, phases of training, and agreement between chains."""
