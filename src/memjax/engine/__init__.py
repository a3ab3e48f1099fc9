"""The engine, in three floors whose imports point down.

``program``: what one compiled program is. ``plan``: how runs are packed into blocks of such programs. ``training``: how the
blocks are run. Read in ``program``: program, tiles, step, loop, outcome, then what is checked before: check, contracts, rows,
traces. In ``plan``: samples and groups, cost and widths, blocks and segments, memory and budget, packing, speed, plan. In
``training``: block, lanes, execute, executor, keep, progress, train_runs, record.
"""
