"""How far one number of a run goes with another number, and predicts it in other runs."""
