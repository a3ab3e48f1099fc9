"""Models: pure functions from parameters and inputs to outputs."""

from memjax.models.adapt import NNX, FunctionPair, as_model
from memjax.models.autoencoder import Autoencoder
from memjax.models.class_means import ClassMean, MeanTarget
from memjax.models.convnet import ConvNet
from memjax.models.embedding_mlp import EmbeddingMLP
from memjax.models.layers import dense
from memjax.models.least_squares import LeastSquares
from memjax.models.linen import Linen
from memjax.models.mlp import MLP
from memjax.models.nearest_neighbors import LookUp, NearestNeighbors
from memjax.models.noisy_inputs import Augmented, InputNoise
from memjax.models.quadratic_mlp import QuadraticMLP, gromov_weights
from memjax.models.random_features import RandomFourier, RandomReLU
from memjax.models.transformer import Transformer

__all__ = [
    "MLP",
    "NNX",
    "Augmented",
    "Autoencoder",
    "ClassMean",
    "ConvNet",
    "EmbeddingMLP",
    "FunctionPair",
    "LeastSquares",
    "LookUp",
    "MeanTarget",
    "NearestNeighbors",
    "InputNoise",
    "Linen",
    "QuadraticMLP",
    "RandomFourier",
    "RandomReLU",
    "Transformer",
    "as_model",
    "dense",
    "gromov_weights",
]
