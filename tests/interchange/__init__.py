"""What leaves a process: pickled results, tables, files, and files of earlier versions."""
