//! Main room: the command line. One file for each command.
