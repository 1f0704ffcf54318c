"""What learning from the files of others is worth: forecasts, error bars, sensors, flags, memory, reading and kills."""
