"""`python -m dlatrack` and the console script `dlatrack`."""

from dlatrack.cli import main

if __name__ == "__main__":
    main()
