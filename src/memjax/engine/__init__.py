"""The engine, in three rooms: ``program``, ``plan``, ``training``. Each imports only from the rooms before it.

``program`` says what one compiled program is. ``plan`` packs runs into blocks of such programs. ``training`` runs the
blocks.

Reading order. In ``program``: program, tiles, step, loop, outcome; then the checks before training: output_shapes, contracts,
rows, traces. In ``plan``: samples and groups, blocks, cost and widths, segments, memory and budget, packing, speed, plan. In
``training``: block, lanes, execute, executor, keep, progress, train_runs, record.
"""
