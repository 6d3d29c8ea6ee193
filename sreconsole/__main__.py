"""`python -m sreconsole` is the console script."""

from sreconsole.cli import main

if __name__ == "__main__":
    main()
