"""`python -m radtrace`: the command line where the script is not on the path."""

from radtrace.cli import main

if __name__ == "__main__":  # worker processes import this file too
    main()
