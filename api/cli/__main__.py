"""`python -m api.cli` is `shop`."""

from api.cli.main import main

if __name__ == "__main__":
    main()
