"""The convolutional network on images and signals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax

from memjax.checks.keywords import named
from memjax.checks.values import flag, one_of, whole
from memjax.errors import InputError
from memjax.fields import traced
from memjax.models.activations import get as get_activation
from memjax.models.convolution import WINDOW, as_maps, convolve, enlarge, map_struct, pool
from memjax.models.initializers import draw
from memjax.models.layers import dense
from memjax.models.shared_fields import check_shared_fields
from memjax.types import Array, Params

__all__ = ["ConvNet"]

_INPUTS = {1: "signals [B, L] or [B, L, C]", 2: "images [B, H, W] or [B, H, W, C]"}


@named
@dataclass(frozen=True)
class ConvNet:
    """Convolutional network: convolutions with an activation and a pooling after each, and a head.

    A layer computes pool(activation(convolution(h) + bias)), among zeros at the borders.

    Parameters
    ----------
    channels
        Channels of each convolution, one layer per entry.
    kernel
        Odd width of the kernels, or a width per axis.
    stride
        Distance of the positions that a convolution computes, or a distance per axis.
    pooling
        ``max`` or ``mean`` over windows of 2 (2 x 2) after each layer, where a last odd position is left out; or ``none``.
    residual
        Whether a layer whose convolution keeps the shape of its input, channels and stride alike, adds the input before the
        pooling: pool(h + activation(convolution(h) + bias)). Any other layer, such as mostly the first, has no skip
        connection at all.
    head
        ``flat`` (a dense layer on the last map, whose channels are the slowest index, as in PyTorch), ``mean`` (the mean of
        each channel over all positions, then a dense layer), or ``image`` (a convolution to the channels of the input, without
        activation: outputs are an image, flattened as the input would be). Where strides or pooling made the last map smaller
        than the input, the map is first enlarged by repeating values, the nearest neighbour: with f the product of all strides
        and pooling windows of an axis, position p takes the value at p // f, or the last value where odd positions were left
        out. So a network has as many parameters with any stride and pooling.
    dims
        2 for images ``[B, H, W]`` or ``[B, H, W, C]``; 1 for signals ``[B, L]`` or ``[B, L, C]``.
    activation
        A name that `memjax.models.activations.get` knows, such as ``relu`` or ``gelu``, or any elementwise function.
    bias
        Whether layers have biases.
    initializer
        ``torch`` or another rule of `memjax.models.MLP`. The fan in of a convolution is its channels in times the positions of
        its kernel, and its fan out its channels out times those positions.
    init_scale
        Factor of every initial parameter. Traced.
    outputs
        Number of outputs; None takes the number that the task needs.

    Raises
    ------
    InputError
        If a field's value is not allowed; from ``init`` and ``apply``, if inputs do not have the shape that ``dims`` says; from
        ``init``, if a map is too small to be pooled, or an image is not of the size of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> model = ConvNet(channels=(16, 32), pooling="max", outputs=10)
    >>> params = model.init(jax.random.key(0), np.zeros((1, 8, 8), np.float32))
    >>> {layer: arrays["kernel"].shape for layer, arrays in params.items()}
    {'layer_0': (3, 3, 1, 16), 'layer_1': (3, 3, 16, 32), 'layer_2': (128, 10)}
    """

    takes: ClassVar[str] = "quantities"

    channels: tuple[int, ...] = (16, 32)
    kernel: int | tuple[int, ...] = 3
    stride: int | tuple[int, ...] = 1
    pooling: str = "none"
    residual: bool = False
    head: str = "flat"
    dims: int = 2
    activation: str | Callable[[Array], Array] = "relu"
    bias: bool = True
    initializer: str = "torch"
    init_scale: float = traced(1.0)
    outputs: int | None = None

    def __post_init__(self) -> None:
        several = self.channels if isinstance(self.channels, tuple | list) else (self.channels,)
        keep = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        keep("channels", tuple(whole("ConvNet.channels", count, 1) for count in several))
        keep("dims", self._dims())
        keep("kernel", self._per_axis("kernel"))
        keep("stride", self._per_axis("stride"))
        keep("residual", flag("ConvNet.residual", self.residual))
        one_of("ConvNet.pooling", self.pooling, ("none", "max", "mean"))
        one_of("ConvNet.head", self.head, ("flat", "mean", "image"))
        check_shared_fields(self)
        self._check_kernel()

    def _dims(self) -> int:
        dims = whole("ConvNet.dims", self.dims, 1)
        if dims not in _INPUTS:
            raise InputError(f"ConvNet.dims is {dims}: use 1 for signals, or 2 for images.")
        return dims

    def _per_axis(self, field: str) -> int | tuple[int, ...]:
        """A field that is one number for all axes of space, or a number for each."""
        value = getattr(self, field)
        if not isinstance(value, tuple | list):
            return whole(f"ConvNet.{field}", value, 1)
        if len(value) != self.dims:
            raise InputError(
                f"ConvNet.{field} is {value!r}: give one whole number, or {self.dims} of them (dims={self.dims})."
            )
        return tuple(whole(f"ConvNet.{field}", one, 1) for one in value)

    def _check_kernel(self) -> None:
        if any(width % 2 == 0 for width in self._axes(self.kernel)):
            raise InputError(
                f"ConvNet.kernel is {self.kernel!r}: give odd widths, for which a position is in the middle."
            )

    def _axes(self, value: int | tuple[int, ...]) -> tuple[int, ...]:
        return value if isinstance(value, tuple) else (value,) * self.dims

    def init(self, key: Array, x: Array) -> Params:
        """Draw ``layer_i / kernel [*window, I, O], bias [O]`` for inputs ``x[B, ...]``; a dense head has ``kernel [I, O]``."""
        self._check_inputs(x)
        shapes = self._shapes(x)
        area = math.prod(self._axes(self.kernel))
        fan_out = {
            name: area * leaves["kernel"].shape[-1]
            for name, leaves in shapes.items()
            if len(leaves["kernel"].shape) > 2
        }
        return draw(key, shapes, self.initializer, self.init_scale, fan_out)

    def _check_inputs(self, x: Any) -> None:
        """Raise `InputError` for inputs of another rank, or without a position or a channel."""
        if x.ndim - self.dims not in (1, 2) or 0 in x.shape[1:]:
            other = 3 - self.dims
            advice = f"give dims={other}, or " if x.ndim - other in (1, 2) else ""
            raise InputError(
                f"ConvNet with dims={self.dims} takes {_INPUTS[self.dims]}, but the inputs have the shape {list(x.shape)}: "
                f"{advice}reshape the inputs of the task."
            )

    def _shapes(self, x: Any) -> Any:
        """Shape structs of the parameters for inputs ``x[B, ...]``."""
        maps = map_struct(x, self.dims)
        counts = (maps.shape[0], *self.channels)
        space, window = self._last_space(maps.shape[1:-1]), self._axes(self.kernel)
        shapes: list[tuple[int, ...]] = [(*window, into, out) for into, out in itertools.pairwise(counts)]
        if self.head == "image":
            self._check_size(x)
            shapes.append((*window, counts[-1], counts[0]))
        else:
            shapes.append((counts[-1] * (math.prod(space) if self.head == "flat" else 1), self._outputs()))
        struct = lambda *shape: jax.ShapeDtypeStruct(shape, maps.dtype)  # noqa: E731
        return {
            f"layer_{i}": {"kernel": struct(*shape)} | ({"bias": struct(shape[-1])} if self.bias else {})
            for i, shape in enumerate(shapes)
        }

    def _last_space(self, space: tuple[int, ...]) -> tuple[int, ...]:
        """Positions per axis of the map before the head."""
        for layer in range(len(self.channels)):
            space = tuple(-(-size // step) for size, step in zip(space, self._axes(self.stride), strict=True))
            if self.pooling != "none":
                if min(space) < WINDOW:
                    raise InputError(
                        f"ConvNet.pooling is {self.pooling!r}, but the map of layer_{layer} has the shape {list(space)}, which "
                        f"is smaller than a window of {WINDOW}: give fewer channels, a smaller stride, or pooling='none'."
                    )
                space = tuple(size // WINDOW for size in space)
        return space

    def _outputs(self) -> int:
        if self.outputs is None:
            raise InputError("ConvNet.outputs is None: give the output width, or let an experiment's task set it.")
        return self.outputs

    def _check_size(self, x: Any) -> None:
        size = math.prod(x.shape[1:])
        if self.outputs not in (None, size):
            raise InputError(
                f"ConvNet.head is 'image', which gives back {size} numbers for inputs of the shape {list(x.shape[1:])}, but "
                f"there are {self.outputs} outputs: use a task whose targets are such images, flattened, or another head."
            )

    def apply(self, params: Params, x: Array) -> Array:
        """Outputs ``[B, C]`` for inputs ``x[B, ...]``."""
        maps, leaves = self._maps(params, x)[-1], params[f"layer_{len(self.channels)}"]
        if self.head == "image":
            image = self._affine(leaves, self._enlarged(maps, x), (1,) * self.dims)
            return image.transpose(-1, *range(1, self.dims + 1), 0).reshape(maps.shape[-1], -1)
        features = maps if self.head == "flat" else maps.mean(tuple(range(1, self.dims + 1)))
        out = dense(leaves["kernel"], features.reshape(-1, maps.shape[-1]))
        return (out + leaves["bias"][:, None] if self.bias else out).T

    def _enlarged(self, maps: Array, x: Array) -> Array:
        """The last map, as large as the inputs."""
        window = WINDOW if self.pooling != "none" else 1
        factor = tuple((step * window) ** len(self.channels) for step in self._axes(self.stride))
        return enlarge(maps, factor, x.shape[1 : self.dims + 1])

    def _maps(self, params: Params, x: Array) -> list[Array]:
        """The inputs and the result of each layer as maps ``[C, *space, B]``."""
        self._check_inputs(x)
        maps = [as_maps(x, self.dims)]
        for i in range(len(self.channels)):
            maps.append(self._layer(params[f"layer_{i}"], maps[-1]))
        return maps

    def _layer(self, leaves: Params, maps: Array) -> Array:
        out = get_activation(self.activation)(self._affine(leaves, maps, self._axes(self.stride)))
        return pool(self.pooling, out + maps if self.residual and out.shape == maps.shape else out)

    def _affine(self, leaves: Params, maps: Array, stride: tuple[int, ...]) -> Array:
        out = convolve(leaves["kernel"], maps, stride)
        return out + leaves["bias"].reshape(-1, *(1,) * (out.ndim - 1)) if self.bias else out

    def hidden_activations(self, params: Params, x: Array) -> dict[str, Array]:
        """Maps after each layer, pooled and flattened to ``[B, m]`` with the channel as the slowest index, by ``layer_i``."""
        maps = self._maps(params, x)[1:]
        return {f"layer_{i}": one.reshape(-1, one.shape[-1]).T for i, one in enumerate(maps)}
