"""The four phases of learning of addition modulo p (Liu et al., 2022), by rate, decay, optimizer and initial scale."""
