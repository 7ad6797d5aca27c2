"""`python -m qevd_bio`."""

from qevd_bio.cli.app import main

if __name__ == "__main__":
    main()
