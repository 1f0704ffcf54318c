"""An experiment in its folder: the run and the stages that fill it."""
