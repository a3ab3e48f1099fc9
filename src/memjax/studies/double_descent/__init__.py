"""Where more parameters, more steps or more data make the test error worse: at the threshold of interpolation (Belkin 2019)."""
