"""The gradient of the cross-entropy early in training (Vaintrob and Kaarel, 2023)."""
