"""One run on all cores: seconds per example-step by tile width: python -m benchmarks.lone_run."""

from __future__ import annotations

import time

import memjax as mj

SIZES = (400, 800, 1600, 3200, 6400, 25600)
WIDTHS = (128, 256, 512, 800, 1600, 3200, 6400, 12800)


def nanoseconds(size: int, width: int | None) -> float:
    """Nanoseconds per example-step of a second, compiled call."""
    steps = max(100, int(2e6 / size) // 100 * 100)
    post = mj.Experiment(train_size=size, steps=steps, record_every=50)
    packing = mj.Packing(width=width)
    mj.sweep(post, packing=packing)
    start = time.perf_counter()
    mj.sweep(post, packing=packing)
    return (time.perf_counter() - start) / steps / size * 1e9


def main() -> None:
    print("   size   planned  " + "  ".join(f"{width:6d}" for width in WIDTHS))
    for size in SIZES:
        widths = [width for width in WIDTHS if width <= 1.1 * size]
        cells = "  ".join(f"{nanoseconds(size, width):6.0f}" for width in widths)
        print(f"{size:7d}  {nanoseconds(size, None):8.0f}  {cells}", flush=True)


if __name__ == "__main__":
    main()
