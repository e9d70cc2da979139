"""Speed and memory, measured beside other packages in the same run."""
