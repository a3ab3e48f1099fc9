"""The engine, private: plan -> pack -> step -> loop -> lanes. Read the files in that order."""
