def text(command, results): return ""
