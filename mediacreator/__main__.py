"""``python -m mediacreator``."""

from mediacreator.cli import main

if __name__ == "__main__":
    main()
