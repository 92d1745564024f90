"""`python -m orqa_registry`, for where the command itself is not on the path."""

from orqa_registry.cli.main import main

if __name__ == "__main__":
    main()
