"""The stage `encoder`: learn to read findings and anatomy off the films of a study."""
