"""Edge of stability (Cohen et al., 2021)."""

from memjax.studies.edge_of_stability.parts import Chebyshev, OneHiddenLayer, half_squared_error

__all__ = ["Chebyshev", "OneHiddenLayer", "half_squared_error"]
